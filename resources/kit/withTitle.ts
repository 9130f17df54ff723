/**
 * Runs a provider's operation and puts the resource's title before the message of an error: `title: message`.
 *
 * The dynamic provider (@pulumi/pulumi 3.270) prints an error of read and delete as `${error}: ${error.stack}`, and one of create and update as
 * its message; both give the same line.
 */
export async function withTitle<T>(title: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { message } = error as Error;
    throw Object.assign(new Error(`${title}: ${message}`, { cause: error }), {
      stack: message,
      toString: () => title,
    });
  }
}
