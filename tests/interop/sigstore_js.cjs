// SPDX-License-Identifier: Apache-2.0
// Judge Sigstore bundles with npm's verifier: one question a line, one answer a line.
// Usage: sigstore_js.cjs MODULES
// A question is JSON: {root, bundle, artifact} with {subject, issuer} or {key};
// root and bundle are texts as they came, artifact and key (SPKI) are base64.
// An answer is {payload} (base64, or null of a file), or {refused}.
"use strict";
const path = require("path");
const readline = require("readline");
const load = (name) => require(path.join(process.argv[2], name));
const { bundleFromJSON } = load("@sigstore/bundle");
const { crypto } = load("@sigstore/core");
const { TrustedRoot } = load("@sigstore/protobuf-specs");
const { Verifier, toSignedEntity, toTrustMaterial } = load("@sigstore/verify");

const bytes = (text) => Buffer.from(text, "base64");
// The policy's subject is a regular expression that nothing anchors.
const exactly = (text) => `^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`;

// The roots that were read last: most questions have one in common.
const read = new Map();

function trusted(root, key) {
  const name = `${key} ${root}`;
  if (!read.has(name)) {
    const find = () => {
      if (!key) throw new Error("no key is asked for");
      const publicKey = crypto.createPublicKey(bytes(key));
      return { publicKey, validFor: () => true };
    };
    const parsed = TrustedRoot.fromJSON(JSON.parse(root));
    if (read.size > 8) read.clear();
    read.set(name, toTrustMaterial(parsed, find));
  }
  return read.get(name);
}

function judge(asked) {
  const trust = trusted(asked.root, asked.key);
  const bundle = bundleFromJSON(JSON.parse(asked.bundle));
  const entity = toSignedEntity(bundle, bytes(asked.artifact));
  // It has no policy for a key, so what kind signed is compared here.
  if ((entity.key.$case === "public-key") !== Boolean(asked.key)) {
    throw new Error("signed with the other kind");
  }
  const policy = asked.key
    ? undefined
    : {
        subjectAlternativeName: exactly(asked.subject),
        extensions: { issuer: asked.issuer },
      };
  const timestampThreshold = asked.key ? 0 : 1;
  new Verifier(trust, { timestampThreshold }).verify(entity, policy);
  const { dsseEnvelope } = bundle.content;
  if (!dsseEnvelope) return { payload: null };
  const { payload, payloadType } = dsseEnvelope;
  return { payload: Buffer.from(payload).toString("base64"), payloadType };
}

function answer(line) {
  try {
    return judge(JSON.parse(line));
  } catch (error) {
    return { refused: `${error.code || error.name}: ${error.message}` };
  }
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(`${JSON.stringify(answer(line))}\n`);
});
