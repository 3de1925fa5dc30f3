// A box of protocol 2 as the central server sees it, moved by hand: the official client. Arguments: address, site id,
// key, transports (comma), folder (unused). Says each event on a line of JSON; takes orders as lines of JSON:
// {"revision":n} and {"deviceKey":text} are sent with the next `authenticate`, {"deaf":true} acknowledges nothing,
// {"emit":[name, data]} says something, {"ask":[name, data]} says it and awaits its acknowledgement, {"drop":true}.
import { createInterface } from 'node:readline';
import { io } from 'socket.io-client';

const [address, siteId, apiKey, transports] = process.argv.slice(2);
const say = (event, data) => process.stdout.write(`${JSON.stringify({ event, data })}\n`);
const mode = { revision: 0, deaf: false, deviceKey: 'A'.repeat(43) + '=' };
const socket = io(address, { transports: transports.split(','), reconnectionDelay: 100, reconnectionDelayMax: 200 });

socket.on('connect', () => {
  socket.emit('authenticate', {
    siteId, apiKey, protocol: 2, agentVersion: '2.0.0-test', deviceKey: mode.deviceKey, capabilities: ['media'],
    revision: mode.revision,
  });
});
socket.on('desired', (data, acknowledge) => {
  say('desired', data);
  if (mode.deaf) return;
  mode.revision = data.revision;
  acknowledge({ revision: data.revision });
});
socket.on('ping_check', () => socket.emit('pong_check'));
socket.on('command', (data, acknowledge) => {
  say('command', data);
  if (!mode.deaf) acknowledge({ commandId: data.id });
});
for (const event of ['authenticated', 'auth_error', 'disconnect']) {
  socket.on(event, (data) => say(event, data));
}
createInterface({ input: process.stdin }).on('line', async (line) => {
  const order = JSON.parse(line);
  if (order.drop) socket.io.engine.transport.ws.terminate();
  else if (order.emit) socket.emit(...order.emit);
  else if (order.ask) {
    try {
      say('acknowledged', await socket.timeout(5000).emitWithAck(...order.ask));
    } catch (error) {
      say('unheard', { message: error.message });
    }
  } else Object.assign(mode, order);
});
