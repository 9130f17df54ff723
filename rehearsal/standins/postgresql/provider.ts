import type { ResourceHandler, StandIn } from "../protocol.ts";
import { resource } from "./attributes.ts";
import { Server, settingsFrom } from "./connection.ts";
import * as databases from "./database.ts";
import * as grants from "./grant.ts";
import * as roles from "./role.ts";
import * as schemas from "./schema.ts";

/** A stand-in for pulumi-resource-postgresql with the resources that the stack uses: roles, databases, schemas and grants. */
export function postgresql(): StandIn {
  let configured: Server | undefined;
  const server = (): Server => {
    if (!configured) throw new Error("the postgresql stand-in is not configured yet");
    return configured;
  };
  const handlers: Readonly<Record<string, ResourceHandler>> = {
    "postgresql:index/role:Role": resource(() => roles.role(server()), roles.attributes),
    "postgresql:index/database:Database": resource(() => databases.database(server()), databases.attributes),
    "postgresql:index/schema:Schema": resource(() => schemas.schema(server()), schemas.attributes),
    "postgresql:index/grant:Grant": resource(() => grants.grant(server()), grants.attributes),
  };
  return {
    name: "postgresql",
    version: "3.18.1",
    async configure(config) {
      configured = new Server(settingsFrom(config));
    },
    handler: (type) => handlers[type],
    secretOutputs: (type) => (type === "postgresql:index/role:Role" ? roles.secretOutputs : []),
  };
}
