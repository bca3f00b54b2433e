import { DEMO_PASSWORD, type Demo, type Seed } from '@ostiary/server';

const SUBJECTS_PER_GROUP = 12;

async function load(seed: Seed): Promise<void> {
  const clinic = await seed.create('Group', {
    name: 'Depression Clinic',
    type: 'CLINICAL',
    defaultIdentificationMethod: 'PERSONAL_INFO',
  });
  const lab = await seed.create('Group', { name: 'Psychosis Lab', type: 'RESEARCH' });

  const people = [
    ['admin', 'Ada', 'Minister', 'ADMIN', []],
    ['JaneDoe', 'Jane', 'Doe', 'GROUP_MANAGER', [clinic]],
    ['JohnSmith', 'John', 'Smith', 'GROUP_MANAGER', [lab]],
    ['FrancoisBouchard', 'François', 'Bouchard', 'STANDARD', [lab]],
    ['norole', 'Nora', 'Role', null, [clinic]],
  ] as const;
  for (const [username, firstName, lastName, basePermissionLevel, groupIds] of people) {
    await seed.create('User', {
      username,
      firstName,
      lastName,
      basePermissionLevel,
      groupIds,
      password: DEMO_PASSWORD,
    });
  }

  const questionnaire = await seed.create('Instrument', {
    name: 'happiness-questionnaire',
    kind: 'FORM',
    title: 'Happiness Questionnaire',
  });
  const consent = await seed.create('Instrument', {
    name: 'general-consent',
    kind: 'FORM',
    title: 'General Consent Form',
  });
  await seed.create('Instrument', { name: 'breakout-task', kind: 'INTERACTIVE', title: 'Breakout Task' });
  await seed.create('Instrument', {
    name: 'clinic-intake',
    kind: 'SERIES',
    title: 'Intake of the Clinic',
    items: [consent, questionnaire],
    seriesGroupId: clinic,
  });
  await seed.create('InstrumentRepo', {
    name: 'clinic-instruments',
    url: 'https://instruments.example.org/clinic',
    groupIds: [clinic],
  });
  await seed.create('InstrumentRepo', {
    name: 'lab-instruments',
    url: 'https://instruments.example.org/lab',
    groupIds: [lab],
  });

  for (const [index, group] of [clinic, lab].entries()) {
    for (let number = 1; number <= SUBJECTS_PER_GROUP; number += 1) {
      await loadSubject(seed, group, index === 0 ? 'clinic' : 'ex', number, questionnaire);
    }
  }
}

/** One subject with a session, a record of it, a file and an assignment: the same ones each time. */
async function loadSubject(
  seed: Seed,
  group: string,
  prefix: string,
  number: number,
  instrumentId: string,
): Promise<void> {
  const day = String(number).padStart(2, '0');
  const subjectId = await seed.create('Subject', {
    customId: `${prefix}_${1000 + number}`,
    dateOfBirth: `19${60 + number}-0${1 + (number % 9)}-${day}`,
    sex: number % 2 === 0 ? 'FEMALE' : 'MALE',
    groupIds: [group],
  });
  const date = `2026-02-${day}T10:00:00.000Z`;
  const sessionId = await seed.create('Session', { date, type: 'IN_PERSON', groupId: group, subjectId });
  const record = {
    date,
    subjectId,
    sessionId,
    instrumentId,
    groupId: group,
    data: { overallHappiness: (number * 3) % 11 },
  };
  const recordId = await seed.create('InstrumentRecord', record);
  if (number % 4 === 0) {
    const content = Buffer.from(`Notes on session ${number}`).toString('base64');
    await seed.create('InstrumentRecordFile', {
      recordId,
      groupId: group,
      name: 'notes.txt',
      mediaType: 'text/plain',
      content,
    });
    await seed.create('Assignment', { subjectId, instrumentId, groupId: group, expiresAt: '2027-01-01T00:00:00.000Z' });
  }
}

export const demo: Demo = {
  accounts: [
    { login: 'admin', says: 'administrator: everything' },
    { login: 'JaneDoe', says: 'group manager of the Depression Clinic' },
    { login: 'JohnSmith', says: 'group manager of the Psychosis Lab' },
    { login: 'FrancoisBouchard', says: 'standard user in the Psychosis Lab' },
    { login: 'norole', says: 'no role: may do nothing until given permissions' },
  ],
  load,
};
