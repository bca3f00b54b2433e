/** What a record says can't be declared. */
export class DeclarationError extends Error {
  /**
   * @param id of the record
   * @param place what of it is wrong, as a JSON Pointer: `/fields/0/kind`
   * @param message a sentence that says which record it is, for those who declare another
   */
  constructor(
    readonly id: string,
    readonly place: string,
    message: string,
  ) {
    super(message);
    this.name = 'DeclarationError';
  }
}
