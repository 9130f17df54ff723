/** A text as `Secret.data` takes it. (`stringData` is written only: what the cluster then holds under `data` would not be watched for changes.) */
export const base64 = (text: string): string => Buffer.from(text).toString("base64");
