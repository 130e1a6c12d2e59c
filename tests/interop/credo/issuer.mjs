// An issuer by Credo: SD-JWT VC, mdoc and W3C credentials as JWT. `node issuer.mjs ISSUER CLIENT SECRET` also has
// users sign in at that authorization server.
//
// Prints JSON lines: {"base", "trust"} when it serves, {"exchange"} for each request with its answer. Offers are made
// at `POST /offers` with {"configurations", "grant": "code" or none, "txCode", "dpop", "refresh", "version"}.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  Agent, ClaimFormat, ConsoleLogger, DidKey, InjectionSymbols, Kms, LogLevel, RecordNotFoundError,
  StorageVersionRecord, W3cCredential, W3cCredentialSubject, W3cIssuer, X509ExtendedKeyUsage,
  X509KeyUsage,
} from "@credo-ts/core";
import { NodeInMemoryKeyManagementStorage, NodeKeyManagementService, agentDependencies } from "@credo-ts/node";
import { OpenId4VcModule } from "@credo-ts/openid4vc";
import express from "express";

// Records in memory: the store of Credo's own needs a native library that npm does not have.
class Memory {
  supportsCursorPagination = false;
  records = new Map();

  key(type, id) {
    return `${type}/${id}`;
  }
  async save(_, record) {
    record.createdAt ??= new Date();
    record.updatedAt = new Date();
    this.records.set(this.key(record.type, record.id), record);
  }
  async update(context, record) {
    await this.save(context, record);
  }
  async delete(_, record) {
    this.records.delete(this.key(record.type, record.id));
  }
  async deleteById(_, type, id) {
    this.records.delete(this.key(type.type, id));
  }
  async getById(_, type, id) {
    const record = this.records.get(this.key(type.type, id));
    if (!record) throw new RecordNotFoundError(`no ${type.type} ${id}`, { recordType: type.type });
    return record;
  }
  async getAll(_, type) {
    return [...this.records.values()].filter((record) => record.type === type.type);
  }
  async findByQuery(context, type, query) {
    const fits = (tags, wanted) =>
      Object.entries(wanted).every(([name, value]) => {
        if (name === "$or") return value.some((part) => fits(tags, part));
        if (name === "$and") return value.every((part) => fits(tags, part));
        if (name === "$not") return !fits(tags, value);
        return Array.isArray(value) ? value.every((one) => tags[name]?.includes(one)) : value === undefined || tags[name] === value;
      });
    return (await this.getAll(context, type)).filter((record) => fits(record.getTags(), query));
  }
}

const [authorizationServer, clientId, clientSecret] = process.argv.slice(2);
const app = express();
app.use((request, response, next) => {
  const send = response.send;
  response.send = function (body) {
    response.send = send;
    const answer = typeof body === "string" && /^[{[]/.test(body) ? JSON.parse(body) : body;
    const exchange = { method: request.method, path: request.originalUrl, sent: request.body, status: response.statusCode, answer };
    console.log(JSON.stringify({ exchange }));
    return send.call(this, body);
  };
  next();
});
const server = app.listen(Number(process.env.PORT ?? 0), "127.0.0.1");
await once(server, "listening");
const base = `http://127.0.0.1:${server.address().port}`;

const configurations = {
  "library-card": {
    format: "dc+sd-jwt",
    vct: `${base}/library-card`,
    scope: "library-card",
    cryptographic_binding_methods_supported: ["jwk"],
    credential_signing_alg_values_supported: ["ES256"],
    proof_types_supported: { jwt: { proof_signing_alg_values_supported: ["ES256"] } },
    credential_metadata: {
      display: [{ name: "Library card", locale: "en", background_color: "#1b4d3e", text_color: "#ffffff" }],
      claims: [{ path: ["given_name"], display: [{ name: "Given name", locale: "en" }] }],
    },
  },
  mdl: {
    format: "mso_mdoc",
    doctype: "org.iso.18013.5.1.mDL",
    scope: "mdl",
    cryptographic_binding_methods_supported: ["cose_key"],
    credential_signing_alg_values_supported: [-7],
    proof_types_supported: { jwt: { proof_signing_alg_values_supported: ["ES256"] } },
    credential_metadata: { display: [{ name: "Driving licence", locale: "en" }] },
  },
  degree: {
    format: "jwt_vc_json",
    scope: "degree",
    credential_definition: { type: ["VerifiableCredential", "DegreeCredential"] },
    cryptographic_binding_methods_supported: ["did:key", "did:jwk"],
    credential_signing_alg_values_supported: ["ES256"],
    proof_types_supported: { jwt: { proof_signing_alg_values_supported: ["ES256"] } },
    credential_metadata: { display: [{ name: "Degree", locale: "en" }] },
  },
};

// The same card, which is ready at the second time of asking only.
configurations["late-card"] = { ...configurations["library-card"], scope: "late-card" };

let signer;
const asked = new Map();

async function answer(request) {
  if (request.credentialConfigurationId !== "late-card") return sign(request);
  const transactionId = randomUUID();
  asked.set(transactionId, { request, times: 0 });
  return { type: "deferral", transactionId, interval: 1 };
}

async function answerLater({ deferredCredentialRequest }) {
  const transactionId = deferredCredentialRequest.transaction_id;
  const waiting = asked.get(transactionId);
  waiting.times += 1;
  return waiting.times < 2 ? { type: "deferral", transactionId, interval: 1 } : sign(waiting.request);
}

async function sign({ agentContext, holderBinding, credentialConfigurationId }) {
  const { certificate, root, did } = signer;
  switch (credentialConfigurationId) {
    case "library-card":
    case "late-card":
      return {
        type: "credentials",
        format: ClaimFormat.SdJwtDc,
        credentials: holderBinding.keys.map((binding) => ({
          payload: {
            vct: configurations["library-card"].vct,
            given_name: "Test",
            family_name: "Reader",
            address: { locality: "Harbour", country: "XX" },
            exp: Math.floor(Date.now() / 1000) + 10 * 365 * 86400,
          },
          holder: { method: "jwk", jwk: binding.jwk },
          issuer: { method: "x5c", x5c: [certificate], issuer: base },
          disclosureFrame: { _sd: ["given_name", "family_name"], address: { _sd: ["locality"] } },
          headerType: "dc+sd-jwt",
        })),
      };
    case "mdl":
      return {
        type: "credentials",
        format: ClaimFormat.MsoMdoc,
        credentials: holderBinding.keys.map((binding) => ({
          docType: "org.iso.18013.5.1.mDL",
          holderKey: binding.jwk,
          issuerCertificate: certificate,
          validityInfo: { validUntil: new Date(Date.now() + 300 * 86400 * 1000) },
          namespaces: {
            "org.iso.18013.5.1": {
              family_name: "Reader",
              given_name: "Test",
              birth_date: "1990-01-31",
              age_over_18: true,
              portrait: new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 1, 2, 3]),
            },
          },
        })),
      };
    default:
      return {
        type: "credentials",
        format: ClaimFormat.JwtVc,
        credentials: holderBinding.keys.map((binding) => ({
          verificationMethod: `${did}#${did.slice("did:key:".length)}`,
          credential: new W3cCredential({
            type: configurations.degree.credential_definition.type,
            issuer: new W3cIssuer({ id: did }),
            credentialSubject: new W3cCredentialSubject({
              id: binding.didUrl ? binding.didUrl.split("#")[0] : new DidKey(binding.jwk).did,
              claims: { degree: { type: "BachelorDegree", name: "Bachelor of Arts" } },
            }),
            issuanceDate: new Date().toISOString(),
          }),
        })),
      };
  }
}

const memory = new Memory();
const agent = new Agent({
  config: { logger: new ConsoleLogger(process.env.DEBUG ? LogLevel.debug : LogLevel.off), allowInsecureHttpUrls: true },
  dependencies: agentDependencies,
  modules: {
    storage: { register: (manager) => manager.registerInstance(InjectionSymbols.StorageService, memory) },
    kms: new Kms.KeyManagementModule({ backends: [new NodeKeyManagementService(new NodeInMemoryKeyManagementStorage())] }),
    openid4vc: new OpenId4VcModule({
      app,
      issuer: {
        baseUrl: `${base}/issuers`,
        // A wallet may begin by itself, without an offer.
        allowDynamicIssuanceSessions: true,
        credentialRequestToCredentialMapper: answer,
        deferredCredentialRequestToCredentialMapper: answerLater,
      },
    }),
  },
});
await memory.save(null, new StorageVersionRecord({ storageVersion: "0.6" }));
await agent.initialize();

const key = async () => Kms.PublicJwk.fromPublicJwk((await agent.kms.createKey({ type: { kty: "EC", crv: "P-256" } })).publicJwk);
const [rootKey, signerKey] = [await key(), await key()];
const day = 86400 * 1000;
const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + 3650 * day) };
const root = await agent.x509.createCertificate({
  authorityKey: rootKey,
  issuer: { commonName: "Credo test root", countryName: "XX" },
  validity,
  extensions: {
    basicConstraints: { ca: true, pathLenConstraint: 0, markAsCritical: true },
    keyUsage: { usages: [X509KeyUsage.KeyCertSign, X509KeyUsage.CrlSign], markAsCritical: true },
    subjectKeyIdentifier: { include: true },
  },
});
const certificate = await agent.x509.createCertificate({
  authorityKey: rootKey,
  subjectPublicKey: signerKey,
  issuer: root.issuer,
  subject: { commonName: "Credo test signer", countryName: "XX" },
  validity: { ...validity, notAfter: new Date(Date.now() + 400 * day) },
  extensions: {
    keyUsage: { usages: [X509KeyUsage.DigitalSignature], markAsCritical: true },
    extendedKeyUsage: { usages: [X509ExtendedKeyUsage.MdlDs], markAsCritical: true },
    subjectAlternativeName: { name: [{ type: "url", value: base }, { type: "dns", value: "127.0.0.1" }] },
    authorityKeyIdentifier: { include: true },
    subjectKeyIdentifier: { include: true },
  },
});
certificate.keyId = signerKey.keyId;
const { didState } = await agent.dids.create({
  method: "key",
  options: { createKey: { type: { kty: "EC", crv: "P-256" } } },
});
signer = { certificate, root, did: didState.did };

const scopesMapping = Object.fromEntries(Object.values(configurations).map(({ scope }) => [scope, ["openid"]]));
const issuer = await agent.openid4vc.issuer.createIssuer({
  issuerId: "library",
  display: [{ name: "Harbour library", locale: "en" }],
  dpopSigningAlgValuesSupported: ["ES256"],
  batchCredentialIssuance: { batchSize: 5 },
  credentialConfigurationsSupported: configurations,
  authorizationServerConfigs: authorizationServer && [
    {
      type: "chained",
      issuer: authorizationServer,
      clientAuthentication: { type: "clientSecret", clientId, clientSecret },
      scopesMapping,
    },
  ],
});
app.post("/offers", express.json(), async (request, response) => {
  const { configurations, grant, txCode, dpop, refresh, version } = request.body;
  const { credentialOffer, issuanceSession } = await agent.openid4vc.issuer.createCredentialOffer({
    issuerId: issuer.issuerId,
    credentialConfigurationIds: configurations,
    version: version ?? "v1",
    authorization: { requireDpop: Boolean(dpop), requireWalletAttestation: false },
    generateRefreshTokens: Boolean(refresh),
    ...(grant === "code"
      ? { authorizationCodeFlowConfig: { authorizationServerUrl: authorizationServer } }
      : { preAuthorizedCodeFlowConfig: { txCode: txCode ? { length: 6, input_mode: "numeric" } : undefined } }),
  });
  response.json({ link: credentialOffer, txCode: issuanceSession.userPin });
});
console.log(JSON.stringify({ base, trust: root.toString("pem") }));
