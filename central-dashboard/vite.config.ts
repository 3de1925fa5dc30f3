import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig, loadEnv } from 'vite'
import { host } from './scripts/host.ts'
// @ts-expect-error: a script without types
import { licences } from './scripts/licences.mjs'

// Where the server listens while one develops: the pages' own server hands requests on to it.
const local = process.env['NEOPRO_SERVER'] ?? 'http://localhost:3001'

export default defineConfig(({ mode }) => ({
  plugins: [react(), licences(), host(import.meta.dirname, { ...process.env, ...loadEnv(mode, process.cwd(), 'NG_APP_') })],
  resolve: { alias: { '~': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    outDir: 'dist/central-dashboard',
    emptyOutDir: true,
    // The pages may be served under a policy that forbids inline content.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    manifest: true,
  },
  server: { proxy: { '/api': local, '/storage': local } },
  preview: { proxy: { '/api': local, '/storage': local } },
  test: { include: ['tests/**/*.test.ts'] },
}))
