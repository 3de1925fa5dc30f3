// An S3 storage that others wrote, which computes each signature itself: node s3.mjs <port> <folder> <bucket> [<CORS rules>]
import { readFileSync } from 'node:fs'
import S3rver from '@20minutes/s3rver'

const [port, directory, bucket, rules] = process.argv.slice(2)
const configs = rules ? [readFileSync(rules)] : []
const server = new S3rver({
  address: '127.0.0.1',
  port: Number(port),
  directory,
  silent: true,
  vhostBuckets: false,
  configureBuckets: [{ name: bucket, configs }],
})
await server.run()
