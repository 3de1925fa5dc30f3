// An agent of NeoPro 1, as the central server sees it (docs of the device protocol, 1.5, 3.3, 3.4, 7.5): the official
// client with the options that agents have, real downloads, a configuration on the disk.
// Arguments: address, site id, key, transports (comma), folder. Says what happens as lines of JSON on its output; takes
// orders as lines of JSON on its input: {"drop":true} cuts the transport, {"slow":ms} waits between chunks,
// {"fail":"text"} fails the next command with this sentence, {"mute":true} answers no more command,
// {"emit":[name, data]} says anything.
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { io } from 'socket.io-client';

const [address, siteId, apiKey, transports, folder] = process.argv.slice(2);
const say = (event, data) => process.stdout.write(`${JSON.stringify({ event, data })}\n`);
const mode = { slow: 0, fail: null, mute: false };
const configPath = join(folder, 'configuration.json');
if (!existsSync(configPath)) {
  writeFileSync(configPath, JSON.stringify({
    version: '1.0', auth: { password: 'mot de passe du club', clubName: 'CA Vitré' }, sponsors: [], categories: [],
  }));
}
const config = () => JSON.parse(readFileSync(configPath, 'utf8'));
const keep = (changed) => writeFileSync(configPath, JSON.stringify(changed, null, 2));

// As the agent of the field: no acknowledgement, buffering by the library.
const socket = io(address, {
  transports: transports.split(','), reconnection: true, reconnectionDelay: 200, reconnectionDelayMax: 400, timeout: 20000,
});

function mirror() {
  const text = JSON.stringify(config());
  const configHash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  socket.emit('sync_local_state', { siteId, configHash, config: JSON.parse(text), timestamp: new Date().toISOString() });
}

function freeName(directory, wanted) {
  const extension = extname(wanted) || '.mp4';
  const base = basename(wanted, extname(wanted)).replace(/[<>:"/\\|?*\x00-\x1f]/g, '-').replace(/[\s-]+/g, ' ').trim() || 'video';
  for (let count = 0; ; count += 1) {
    const name = count === 0 ? `${base}${extension}` : `${base} (${count})${extension}`;
    if (!existsSync(join(directory, name))) return name;
  }
}

async function deploy(data) {
  if (!data.checksum) throw new Error('CHECKSUM_REQUIRED');
  const directory = join(folder, 'videos', data.category, data.subcategory ?? '');
  mkdirSync(directory, { recursive: true });
  const filename = freeName(directory, (data.originalName || data.filename).trim());
  const part = join(directory, `${filename}.downloading`);
  writeFileSync(part, '');
  const answer = await fetch(data.videoUrl);
  if (!answer.ok) throw new Error(`Failed to download video: Request failed with status code ${answer.status}`);
  const total = Number(answer.headers.get('content-length'));
  const hash = createHash('sha256');
  let received = 0;
  for await (const chunk of answer.body) {
    appendFileSync(part, chunk);
    hash.update(chunk);
    received += chunk.length;
    socket.emit('deploy_progress', { deploymentId: data.deploymentId, videoId: data.videoId, progress: (received / total) * 100 });
    if (mode.slow) await new Promise((wake) => setTimeout(wake, mode.slow));
  }
  const checksum = hash.digest('hex');
  if (checksum !== data.checksum) {
    rmSync(part);
    throw new Error(`Checksum mismatch: expected ${data.checksum}, got ${checksum}`);
  }
  renameSync(part, join(directory, filename));
  const changed = config();
  let category = changed.categories.find(({ name }) => name === data.category);
  if (!category) {
    category = { id: `category-${Date.now()}`, name: data.category, locked: true, owner: 'neopro', videos: [], subCategories: [] };
    changed.categories.push(category);
  }
  const path = ['videos', data.category, data.subcategory, filename].filter(Boolean).join('/');
  category.videos.push({ name: basename(filename, extname(filename)), filename, path, type: 'video/mp4', locked: true, video_id: data.videoId });
  keep(changed);
  socket.emit('deploy_progress', { deploymentId: data.deploymentId, videoId: data.videoId, progress: 100, completed: true });
  return { success: true, path: join(directory, filename), size: received, checksum, filename };
}

function remove(data) {
  const path = join(folder, 'videos', data.category, data.subcategory ?? '', data.filename);
  if (!existsSync(path)) return { success: true, message: 'not there' };
  rmSync(path);
  const changed = config();
  for (const category of changed.categories.filter(({ name }) => name === data.category)) {
    category.videos = category.videos.filter(({ filename }) => filename !== data.filename);
  }
  keep(changed);
  return { success: true, path };
}

let running = 0;
socket.on('command', async ({ id, type, data }) => {
  running += 1;
  say('command', { id, type, data, running });
  try {
    if (mode.mute) return;
    const failure = mode.fail;
    mode.fail = null;
    if (failure) throw new Error(failure);
    const result = type === 'deploy_video' ? await deploy(data) : type === 'delete_video' ? remove(data) : null;
    if (result === null) throw new Error(`Commande inconnue: ${type}`);
    socket.emit('command_result', { commandId: id, status: 'success', result });
    say('done', { id, type, filename: result.filename });
    mirror();
  } catch (error) {
    socket.emit('command_result', { commandId: id, status: 'error', error: error.message });
    say('failed', { id, type, error: error.message });
  } finally {
    running -= 1;
  }
});

socket.on('connect', () => socket.emit('authenticate', { siteId, apiKey }));
socket.on('authenticated', (data) => {
  say('authenticated', data);
  mirror();
});
socket.on('ping_check', () => socket.emit('pong_check'));
for (const event of ['auth_error', 'disconnect', 'connect_error']) {
  socket.on(event, (data) => say(event, typeof data === 'string' ? { reason: data } : { message: data?.message }));
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const order = JSON.parse(line);
  if (order.drop) {
    // As a cable that is pulled: no packet says goodbye.
    const { engine } = socket.io;
    if (engine.transport.ws?.terminate) engine.transport.ws.terminate();
    else engine.onClose('transport error');
  } else if (order.goodbye) socket.disconnect();
  else if (order.emit) socket.emit(...order.emit);
  else Object.assign(mode, order);
});
