// What the script `register-site` of NeoPro 1 sends and reads, word for word: a login, a new site, a file for the box.
// Environment: CENTRAL_SERVER_URL, ADMIN_EMAIL, ADMIN_PASSWORD, SITE_NAME, CLUB_NAME, CONFIG_FILE; optional as in the
// field: LOCATION_CITY, LOCATION_REGION, LOCATION_COUNTRY, SPORTS, HARDWARE_MODEL.
import { writeFileSync } from 'node:fs';

const { env } = process;

/** A POST as the script's HTTP client makes it: a failure is an exception whose message is the answer's `error`. */
async function post(path, body, token) {
  const answer = await fetch(`${env.CENTRAL_SERVER_URL}${path}`, {
    method: 'POST',
    headers: {
      accept: 'application/json, text/plain, */*',
      'content-type': 'application/json',
      'user-agent': 'axios/1.6.2',
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: JSON.stringify(body),
  });
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.error);
  return data;
}

try {
  const login = await post('/api/auth/login', { email: env.ADMIN_EMAIL, password: env.ADMIN_PASSWORD });
  const site = await post(
    '/api/sites',
    {
      site_name: env.SITE_NAME,
      club_name: env.CLUB_NAME,
      location: {
        city: env.LOCATION_CITY ?? '',
        region: env.LOCATION_REGION ?? 'Bretagne',
        country: env.LOCATION_COUNTRY ?? 'France',
      },
      sports: (env.SPORTS ?? 'handball').split(',').map((sport) => sport.trim()),
      hardware_model: env.HARDWARE_MODEL ?? 'Raspberry Pi 4 Model B Rev 1.5',
    },
    login.token,
  );
  writeFileSync(
    env.CONFIG_FILE,
    [
      `SITE_ID=${site.id}`,
      `SITE_API_KEY=${site.api_key}`,
      `SITE_NAME=${site.site_name}`,
      `CLUB_NAME=${site.club_name}`,
      `CENTRAL_SERVER_URL=${env.CENTRAL_SERVER_URL}`,
      'CENTRAL_SERVER_ENABLED=true',
      '',
    ].join('\n'),
  );
  console.log(JSON.stringify(site));
} catch (error) {
  console.error(`Error: ${error.message}`);
  process.exit(1);
}
