import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { TlsMode } from "../../../model/managerDatabase.ts";
import { withSession } from "../../../resources/postgres/sqlSession.ts";
import { makeCertificates } from "../../../rehearsal/cluster/certificates.ts";
import { type Postgres, startPostgres } from "../../../rehearsal/cluster/postgres.ts";
import { Server, settingsFrom } from "../../../rehearsal/standins/postgresql/connection.ts";
import { openWorkspace, type Workspace } from "../../../rehearsal/engine/workspace.ts";

const protocol = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

let workspace: Workspace;
let postgres: Postgres;

/** The TLS versions of the program's own connections; null: no TLS. */
async function programs(tls: TlsMode, tlsCa?: string, host = postgres.host): Promise<unknown> {
  const { port, user, password } = postgres;
  return withSession({ host, port, user, password, database: "postgres", tls, tlsCa }, async (session) => {
    return (await session.query<{ version: unknown }>(protocol)).rows[0]?.version;
  });
}

/** The same for the connections of the stand-in. */
async function standIns(sslmode: TlsMode, sslrootcert?: string): Promise<unknown> {
  const { host, port, user, password } = postgres;
  const settings = settingsFrom({ host, port: String(port), username: user, password, sslmode, sslrootcert }, {});
  return new Server(settings).session(async (session) => (await session.rows(protocol))[0]?.version);
}

describe("the rehearsal's PostgreSQL", () => {
  before(async () => {
    workspace = await openWorkspace();
    postgres = await startPostgres({ workspace });
  });

  after(() => workspace.close());

  test("accepts connections without TLS", async () => {
    assert.equal(await programs("disable"), null);
    assert.equal(await standIns("disable"), null);
  });

  test("accepts connections from elsewhere only with the password", async () => {
    // The server listens on every address, because no interface has this one.
    const own = await openWorkspace();
    const { host, port, user, password } = await startPostgres({ workspace: own, host: "127.0.0.2" });
    try {
      const login = { host, port, user, database: "postgres", tls: "require" as const };
      const ask = (given: string) => withSession({ ...login, password: given }, (session) => session.query("SELECT 1"));
      assert.equal((await ask(password)).rows.length, 1);
      await assert.rejects(ask("wrong"), /refused the password of user postgres/);
    } finally {
      await own.close();
    }
  });

  test("accepts connections with TLS", async () => {
    assert.equal(await programs("require"), "TLSv1.3");
    assert.equal(await standIns("require"), "TLSv1.3");
  });

  test("has a certificate of its CA for both names of this machine", async () => {
    const ca = await readFile(postgres.caFile, "utf8");
    assert.equal(await programs("verify-full", ca), "TLSv1.3");
    assert.equal(await programs("verify-full", ca, "localhost"), "TLSv1.3");
    assert.equal(await standIns("verify-full", postgres.caFile), "TLSv1.3");
  });

  test("is rejected by clients that trust another CA", async () => {
    const { ca } = await makeCertificates();
    await assert.rejects(programs("verify-full", ca), /unable to verify the first certificate/);
    await assert.rejects(programs("verify-full"), /unable to verify the first certificate/);
    await assert.rejects(standIns("verify-full"), /unable to verify the first certificate/);
  });

  test("has a private key that other users cannot read", async () => {
    const { mode } = await stat(join(dirname(postgres.caFile), "server.key"));
    assert.equal(mode & 0o777, 0o600);
  });
});
