import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { redactor } from "../../../rehearsal/engine/redact.ts";

describe("redactor", () => {
  it("removes known secrets, the longer of two overlapping ones first", () => {
    assert.equal(redactor(["abc", "abc-def", ""])("user abc-def, then abc."), "user [secret], then [secret].");
  });

  it("removes unknown tokens and private keys", () => {
    const redact = redactor([]);
    assert.equal(redact("TOKEN=eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2ln-bmF0_dXJl!"), "TOKEN=[secret]!");
    assert.equal(
      redact("key:\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nend"),
      "key:\n[secret]\nend",
    );
    assert.equal(redact("cut off: -----BEGIN PRIVATE KEY-----\nMIIE"), "cut off: [secret]");
  });

  it("removes unknown passwords in addresses, but nothing from prose", () => {
    assert.equal(redactor([])("postgres://admin:hunter2@db:5432/manager"), "postgres://admin:[secret]@db:5432/manager");
    const prose = "pulsar:managerPassword: not set; use pulumi config set --secret";
    assert.equal(redactor([])(prose), prose);
  });

  it("keeps public keys and everything else", () => {
    const text = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\npulsar-token-admin";
    assert.equal(redactor(["password"])(text), text);
  });
});
