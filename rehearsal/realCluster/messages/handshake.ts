/**
 * The first exchange of Pulsar's binary protocol. The Node client does not report that a token is refused: it tries again until its timeout
 * (pulsar-client 1.18.0).
 */
import { connect } from "node:net";
import protobuf from "google-protobuf";

const { BinaryReader, BinaryWriter } = protobuf;

/** Protocol Buffers' wire type of numbers. */
const varint = 0;

/** How long an answer may take, in milliseconds. */
const limit = 10_000;

/** Numbers of PulsarApi.proto: the types of commands, which are also the numbers of the fields with their contents, and an error. */
const commands = { connect: 2, connected: 3, error: 14 };
const authenticationError = 3;

/**
 * The answer of the proxy or broker at a port of this machine to a token, or to none.
 * @throws Error of one line if it answers something else
 */
export async function handshake(port: number, token?: string): Promise<"accepted" | "refused"> {
  const socket = connect(port, "127.0.0.1").setTimeout(limit, () => {
    socket.destroy(new Error(`no answer within ${limit / 1000} s`));
  });
  socket.write(connectFrame(token));
  let received = Buffer.alloc(0);
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk as Buffer]);
    // The loop destroys the socket.
    if (received.length >= 8 && received.length >= 8 + received.readUInt32BE(4)) {
      return answerIn(received.subarray(8, 8 + received.readUInt32BE(4)));
    }
  }
  throw new Error("the connection was closed without an answer");
}

/** The command CONNECT, after the sizes of the frame and of the command. */
function connectFrame(token: string | undefined): Buffer {
  const content = new BinaryWriter();
  content.writeString(1, "rehearsal");
  if (token !== undefined) content.writeBytes(3, Buffer.from(token));
  // The version of Pulsar 2.7. Later brokers accept it too.
  content.writeInt32(4, 16);
  if (token !== undefined) content.writeString(5, "token");
  const command = new BinaryWriter();
  command.writeEnum(1, commands.connect);
  command.writeBytes(commands.connect, content.getResultBuffer());
  const bytes = command.getResultBuffer();
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32BE(4 + bytes.length, 0);
  sizes.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([sizes, bytes]);
}

function answerIn(command: Uint8Array): "accepted" | "refused" {
  const fields = fieldsOf(command);
  if (fields.get(1) === commands.connected) return "accepted";
  const error = fields.get(commands.error);
  if (!(error instanceof Uint8Array)) throw new Error(`the answer is the command ${String(fields.get(1))}`);
  const content = fieldsOf(error);
  if (content.get(2) === authenticationError) return "refused";
  const message = content.get(3);
  throw new Error(
    `error ${String(content.get(2))}: ${message instanceof Uint8Array ? Buffer.from(message).toString() : ""}`,
  );
}

/** The fields of a message by number: numbers, and the bytes of everything else. */
function fieldsOf(message: Uint8Array): Map<number, number | Uint8Array> {
  const reader = new BinaryReader(message);
  const fields = new Map<number, number | Uint8Array>();
  while (reader.nextField()) {
    const wireType: number = reader.getWireType();
    fields.set(reader.getFieldNumber(), wireType === varint ? reader.readUint64() : reader.readBytes());
  }
  return fields;
}
