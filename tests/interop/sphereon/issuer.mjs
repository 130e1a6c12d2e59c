// An issuer by Sphereon's OID4VCI issuer server, for pre-authorized offers: SD-JWT VC and W3C credentials as JWT.
// `node issuer.mjs VERSION PORT`, where VERSION is the one that is installed beside it.
//
// The server brings routes and sessions. What signs credentials and checks proofs is left to whoever runs it: that
// is here. Prints JSON lines: {"base", "did", "jwks"} when it serves, {"proof"} for each proof that was good,
// {"notification"} for each event that a wallet reported, {"exchange"} for each request with its answer. Offers are
// made at `POST /webapp/credential-offers`, as the server has it.
import { createHash, randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { EVENTS } from "@sphereon/oid4vci-common";
import * as Issuer from "@sphereon/oid4vci-issuer";
import { OID4VCIServer, notificationEndpoint } from "@sphereon/oid4vci-issuer-server";
import { ExpressBuilder } from "@sphereon/ssi-express-support";
import * as jose from "jose";

const [version, port] = process.argv.slice(2);
const old = version === "0.14.0";
const base = `http://127.0.0.1:${port}`;
const say = (line) => console.log(JSON.stringify(line));
const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const decode = (text) => JSON.parse(Buffer.from(text, "base64url").toString());

const sdJwt = old ? "vc+sd-jwt" : "dc+sd-jwt";
const vct = `${base}/library-card`;
const types = ["VerifiableCredential", "DegreeCredential"];
const es256 = {
  credential_signing_alg_values_supported: ["ES256"],
  proof_types_supported: { jwt: { proof_signing_alg_values_supported: ["ES256"] } },
};
const configurations = {
  "library-card": {
    format: sdJwt,
    vct,
    scope: "library-card",
    cryptographic_binding_methods_supported: ["jwk"],
    ...es256,
    display: [{ name: "Library card", locale: "en", background_color: "#1b4d3e", text_color: "#ffffff" }],
  },
  degree: {
    format: "jwt_vc_json",
    credential_definition: { type: types },
    scope: "degree",
    cryptographic_binding_methods_supported: ["did:jwk"],
    ...es256,
    display: [{ name: "Degree", locale: "en" }],
  },
};

// One key by which both kinds can be checked: by JWT VC issuer metadata, and as a did:jwk.
const { privateKey, publicKey } = await jose.generateKeyPair("ES256");
const jwk = await jose.exportJWK(publicKey);
const did = `did:jwk:${encode(jwk)}`;
const now = () => Math.floor(Date.now() / 1000);
const years = (count) => now() + count * 365 * 86400;

function disclosed(claims) {
  const disclosures = Object.entries(claims).map((claim) => encode([randomBytes(16).toString("base64url"), ...claim]));
  const digests = disclosures.map((one) => createHash("sha256").update(one).digest("base64url"));
  return { disclosures, _sd: digests.sort() };
}

async function sign({ jwtVerifyResult, format }) {
  const holder = jwtVerifyResult.holder;
  if (format === sdJwt) {
    const { disclosures, _sd } = disclosed({ given_name: "Test", family_name: "Reader", branch: "Harbour Street" });
    const payload = { iss: base, iat: now(), exp: years(10), vct, cnf: { jwk: holder }, _sd, _sd_alg: "sha-256" };
    const header = { alg: "ES256", kid: "signer", typ: sdJwt };
    const token = await new jose.SignJWT(payload).setProtectedHeader(header).sign(privateKey);
    return `${[token, ...disclosures].join("~")}~`;
  }
  const subject = jwtVerifyResult.did;
  const vc = {
    "@context": ["https://www.w3.org/2018/credentials/v1"],
    type: types,
    issuer: did,
    issuanceDate: new Date().toISOString(),
    credentialSubject: { id: subject, given_name: "Test", family_name: "Reader", degree: "Bachelor of Arts" },
  };
  const payload = { iss: did, sub: subject, nbf: now(), exp: years(10), vc };
  const header = { alg: "ES256", kid: `${did}#0`, typ: "JWT" };
  return new jose.SignJWT(payload).setProtectedHeader(header).sign(privateKey);
}

// The server compares the nonce with its sessions after this; the rest of a proof is checked here only.
async function verifyProof({ jwt }) {
  const header = jose.decodeProtectedHeader(jwt);
  if (Boolean(header.jwk) === Boolean(header.kid)) throw new Error("a proof names its key by jwk or by kid");
  if (header.kid && !header.kid.startsWith("did:jwk:")) throw new Error("kid is no did:jwk");
  const holder = header.jwk ?? decode(header.kid.slice("did:jwk:".length).split("#")[0]);
  const { kty, crv, x, y, ...rest } = holder;
  if (rest.d) throw new Error("a proof carries a private key");
  const key = await jose.importJWK({ kty, crv, x, y }, "ES256");
  const wanted = { algorithms: ["ES256"], audience: base, typ: "openid4vci-proof+jwt", maxTokenAge: 120, clockTolerance: 5 };
  const { payload } = await jose.jwtVerify(jwt, key, wanted);
  if (typeof payload.aud !== "string") throw new Error("aud is no string");
  if (!(await issuer.cNonces.has(payload.nonce))) throw new Error("nobody gave out this nonce");
  say({ proof: { ...header, iss: payload.iss, members: Object.keys(payload).sort() } });
  const subject = header.kid?.split("#")[0];
  const named = header.kid ? { kid: header.kid, did: subject, didDocument: { id: subject } } : { jwk: header.jwk };
  return { jwt: { header, payload }, alg: header.alg, holder: { kty, crv, x, y }, ...named };
}

const metadata = {
  credential_issuer: base,
  credential_endpoint: `${base}/credentials`,
  notification_endpoint: `${base}/notification`,
  display: [{ name: "Harbour library", locale: "en" }],
  credential_configurations_supported: configurations,
  ...(old ? { token_endpoint: `${base}/token` } : { authorization_servers: [base], nonce_endpoint: `${base}/nonce` }),
};
const builder = new Issuer.VcIssuerBuilder()
  .withIssuerMetadata(metadata)
  .withInMemoryCredentialOfferState()
  .withInMemoryCredentialOfferURIState()
  .withInMemoryCNonceState()
  .withCredentialDataSupplier(async ({ credentialRequest, format }) => ({
    format: format ?? credentialRequest.format,
    credential: { issuer: did, type: types, credentialSubject: {} },
  }))
  .withCredentialSignerCallback(sign)
  .withJWTVerifyCallback(verifyProof);
if (!old) {
  builder.withAuthorizationMetadata(
    new Issuer.AuthorizationServerMetadataBuilder()
      .withIssuer(base)
      .withTokenEndpoint(`${base}/token`)
      .withAuthorizationEndpoint(`${base}/authorize`)
      .withResponseTypesSupported(["code"])
      .withGrantTypesSupported(["urn:ietf:params:oauth:grant-type:pre-authorized_code"])
      .withPreAuthorizedGrantAnonymousAccessSupported(true)
      .build(),
  );
}
const issuer = builder.build();

// The code is in the token a second time by the name that the notification handler looks for.
async function signToken({ header, payload }) {
  const claims = { ...payload, "pre-authorized_code": payload.preAuthorizedCode };
  return new jose.SignJWT(claims).setProtectedHeader({ ...header, alg: "ES256" }).sign(privateKey);
}
async function verifyToken({ jwt }) {
  const { payload, protectedHeader } = await jose.jwtVerify(jwt, publicKey, { issuer: base });
  return { jwt: { header: protectedHeader, payload }, alg: "ES256" };
}

const support = ExpressBuilder.fromServerOpts({ port: Number(port), hostname: "127.0.0.1" }).build({ startListening: false });
support.express.use((request, response, next) => {
  const send = response.send;
  response.send = function (body) {
    response.send = send;
    const answer = typeof body === "string" && /^[{[]/.test(body) ? JSON.parse(body) : body;
    say({ exchange: { method: request.method, path: request.originalUrl, sent: request.body, status: response.statusCode, answer } });
    return send.call(this, body);
  };
  next();
});
const server = new OID4VCIServer(support, {
  issuer,
  baseUrl: base,
  endpointOpts: {
    tokenEndpointOpts: {
      tokenEndpointDisabled: false,
      tokenPath: "/token",
      accessTokenIssuer: base,
      tokenExpiresIn: 600,
      cNonceExpiresIn: 300,
      accessTokenSignerCallback: signToken,
      accessTokenVerificationCallback: verifyToken,
    },
    createCredentialOfferOpts: { enabled: true },
    getCredentialOfferOpts: { enabled: true, baseUrl: base },
    getStatusOpts: { enabled: true, baseUrl: base },
    parOpts: { enabled: false },
    authorizationChallengeOpts: { enabled: false },
  },
});
// The server has this handler and mounts it nowhere.
notificationEndpoint(server.router, issuer, { baseUrl: base, accessTokenVerificationCallback: verifyToken });
const events = EVENTS.register("billfold", new EventEmitter());
events.on("OID4VCI_NOTIFICATION_PROCESSED", ({ data }) => say({ notification: data.event }));
server.router.get("/.well-known/jwt-vc-issuer", (_, response) => {
  response.json({ issuer: base, jwks: { keys: [{ ...jwk, kid: "signer", alg: "ES256", use: "sig" }] } });
});
support.start();
// It does not say when it listens.
const listens = () => fetch(base).then(() => true, () => false);
while (!(await listens())) await new Promise((resolve) => setTimeout(resolve, 20));
say({ base, did, jwks: { keys: [{ ...jwk, kid: "signer" }, { ...jwk, kid: `${did}#0` }] } });
