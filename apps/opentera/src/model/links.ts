/** A side of a link: never changed, and the link goes with what it names. */
export const side = { fixed: true, cascades: true } as const;
/** A side that stands in the way of deleting what it names: what somebody took part in is not forgotten. */
export const firm = { fixed: true } as const;
/** The same for a link that names one of several. */
export const maybe = { fixed: true, cascades: true, optional: true } as const;
