/** The one sentence with which a command ends when it cannot do what it was asked; it becomes exit code 1. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}
