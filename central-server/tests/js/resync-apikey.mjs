// What the script `resync-apikey` of NeoPro 1 sends and reads, word for word: a login, the list of sites if the box does
// not know which one it is, a new key, and the box's file with it. Environment: CENTRAL_SERVER_URL, ADMIN_EMAIL,
// ADMIN_PASSWORD, CONFIG_FILE; CHOICE is what the person answers to the list, from 1.
import { readFileSync, writeFileSync } from 'node:fs';

const { env } = process;

async function call(method, path, body, token) {
  const answer = await fetch(`${env.CENTRAL_SERVER_URL}${path}`, {
    method,
    headers: {
      accept: 'application/json, text/plain, */*',
      'user-agent': 'axios/1.6.2',
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.error);
  return data;
}

try {
  let conf = readFileSync(env.CONFIG_FILE, 'utf8');
  const { token } = await call('POST', '/api/auth/login', { email: env.ADMIN_EMAIL, password: env.ADMIN_PASSWORD });
  let id = conf.match(/^SITE_ID=(.+)$/m)?.[1];
  if (!id) {
    const { sites } = await call('GET', '/api/sites', undefined, token);
    for (const [at, site] of sites.entries()) {
      console.error(`${at + 1}. ${site.site_name} (${site.club_name}) - ${site.status}`);
    }
    id = sites[Number(env.CHOICE) - 1].id;
    conf += `SITE_ID=${id}\n`;
  }
  const renewed = await call('POST', `/api/sites/${id}/regenerate-key`, {}, token);
  const line = `SITE_API_KEY=${renewed.api_key}`;
  conf = /^SITE_API_KEY=.*$/m.test(conf) ? conf.replace(/^SITE_API_KEY=.*$/m, line) : `${conf}${line}\n`;
  writeFileSync(env.CONFIG_FILE, conf);
  console.log(JSON.stringify(renewed));
} catch (error) {
  console.error(`Error: ${error.message}`);
  process.exit(1);
}
