// A box of NeoPro 1, as far as the live channel sees it: the official client with the options that boxes have.
// Arguments: address, site id, key, transports (comma). Says each event on a line of JSON; takes events to
// emit as lines of JSON (`["heartbeat", {…}]`) on its input, also before it is connected, and `{"drop":true}`. `FROM` is the
// address of this machine that it comes from.
import { Agent } from 'node:http';
import { createInterface } from 'node:readline';
import { io } from 'socket.io-client';

const [address, siteId, apiKey, transports] = process.argv.slice(2);
const say = (event, data) => process.stdout.write(`${JSON.stringify({ event, data })}\n`);

const socket = io(address, {
  transports: transports.split(','),
  reconnection: true,
  reconnectionDelay: 200,
  reconnectionDelayMax: 400,
  timeout: 20000,
  agent: new Agent({ localAddress: process.env.FROM, keepAlive: true }),
});

// Listened to from the first moment: a change of transport may be over before the namespace is entered.
socket.io.on('open', () => {
  say('open', { transport: socket.io.engine.transport.name });
  socket.io.engine.on('upgrade', (transport) => say('upgrade', { transport: transport.name }));
});
socket.on('connect', () => {
  socket.emit('authenticate', { siteId, apiKey });
});
socket.on('ping_check', (data) => {
  say('ping_check', data);
  socket.emit('pong_check');
});
// A box of NeoPro 1 acknowledges nothing: who asks it to would wait in vain.
socket.on('command', (data, ...more) => say('command', more.length ? { ...data, more: more.length } : data));
for (const event of ['authenticated', 'auth_error']) {
  socket.on(event, (data) => say(event, data));
}
// What the server has answered to a request that failed: with it the library says what it means.
const answer = (details) => details?.context?.responseText;
socket.on('disconnect', (reason, details) => say('disconnect', { reason, answer: answer(details) }));
socket.on('connect_error', (error) => say('connect_error', { message: error.message, answer: answer(error) }));

createInterface({ input: process.stdin }).on('line', (line) => {
  const said = JSON.parse(line);
  if (said.drop) return socket.io.engine.transport.ws.terminate();
  const [event, data] = said;
  if (data === undefined) socket.emit(event);
  else socket.emit(event, data);
});
