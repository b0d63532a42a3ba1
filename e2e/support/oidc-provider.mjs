// A real identity provider on loopback, the certified one, as a program of its own:
//
//   node oidc-provider.mjs PORT REDIRECT_URI CLIENT_ID CLIENT_SECRET
//
// It says `listening` once it does. Its pages let anybody be anybody. Standard input says who is in which groups: one
// line of JSON, {"ada": ["ops"]}, replaces what was said before, and is answered with `heard`.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";

const [port, redirectUri, clientId, clientSecret] = process.argv.slice(2);
let groups = {};

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri] }],
  claims: {
    openid: ["sub"],
    profile: ["name", "preferred_username"],
    groups: ["groups"],
  },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: `${id} of Example`, preferred_username: id, groups: groups[id] ?? [] }),
  }),
  cookies: { keys: ["for tests alone"] },
});

createServer(provider.callback()).listen(Number(port), "127.0.0.1", () => console.log("listening"));

createInterface({ input: process.stdin })
  .on("line", (line) => {
    groups = JSON.parse(line);
    console.log("heard");
  })
  // Whoever started it is gone.
  .on("close", () => process.exit(0));
