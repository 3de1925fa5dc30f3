/** The addresses and what stands at them. Pages load when they are opened. */
import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  Outlet,
  parseSearchWith,
  redirect,
  stringifySearchWith,
} from '@tanstack/react-router'
import { currentSession } from '~/api/session'
import type { Role } from '~/api/types'
import { learn } from '~/i18n/words'
import { lazyPage } from './fresh-pages'
import { ADMINS, OPERATORS, STAFF, SUPER_ADMINS } from './pages'
import { safeReturn } from './return-url'
import { filters } from './search'
import { PageError } from './shell/page-error'
import { Shell } from './shell/shell'

interface Context {
  client: QueryClient
}

const root = createRootRouteWithContext<Context>()({ component: Outlet, errorComponent: PageError })

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: filters.login,
  beforeLoad: ({ search }) => {
    if (currentSession().state === 'in') throw redirect({ href: safeReturn(search.returnUrl) })
  },
  component: lazyPage(() => import('~/pages/login')),
})

const forgotten = createRoute({
  getParentRoute: () => root,
  path: '/forgot-password',
  component: lazyPage(() => import('~/pages/forgot')),
})

const reset = createRoute({
  getParentRoute: () => root,
  path: '/reset-password',
  validateSearch: filters.link,
  component: lazyPage(() => import('~/pages/reset')),
})

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  validateSearch: filters.link,
  component: lazyPage(() => import('~/pages/setup')),
})

const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  beforeLoad: ({ location }) => {
    const session = currentSession()
    if (session.state === 'in') return
    const left = session.state === 'out' && session.why === 'left'
    const away = left || location.href === '/' || location.href === '/dashboard' ? {} : { returnUrl: location.href }
    throw redirect({ to: '/login', search: away })
  },
  component: Shell,
})

/** Lets in who may see it; the others learn that they may not. */
function only(roles: readonly Role[]) {
  return () => {
    const session = currentSession()
    if (session.state === 'in' && !roles.includes(session.user.role)) throw redirect({ to: '/forbidden' })
  }
}

const within = () => shell

const home = createRoute({
  getParentRoute: within,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/dashboard' })
  },
})

const profile = createRoute({
  getParentRoute: within,
  path: '/profile',
  component: lazyPage(() => import('~/pages/profile')),
})

const fleet = createRoute({
  getParentRoute: within,
  path: '/dashboard',
  beforeLoad: only(STAFF),
  component: lazyPage(() => import('~/pages/fleet')),
})

const sites = createRoute({
  getParentRoute: within,
  path: '/sites',
  validateSearch: filters.sites,
  beforeLoad: only(STAFF),
  component: lazyPage(() => import('~/pages/sites')),
})

const newSite = createRoute({
  getParentRoute: within,
  path: '/sites/new',
  beforeLoad: only(OPERATORS),
  component: lazyPage(() => import('~/pages/newsite')),
})

const siteHome = createRoute({
  getParentRoute: within,
  path: '/sites/$id',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/sites/$id/$tab', params: { id: params.id, tab: 'apercu' } })
  },
})

const site = createRoute({
  getParentRoute: within,
  path: '/sites/$id/$tab',
  beforeLoad: only(STAFF),
  component: lazyPage(() => import('~/pages/site')),
})

const alerts = createRoute({
  getParentRoute: within,
  path: '/alerts',
  validateSearch: filters.alerts,
  beforeLoad: only(STAFF),
  component: lazyPage(() => import('~/pages/alerts')),
})

const groups = createRoute({
  getParentRoute: within,
  path: '/groups',
  validateSearch: filters.groups,
  beforeLoad: only(STAFF),
  component: lazyPage(() => import('~/pages/groups')),
})

const group = createRoute({
  getParentRoute: within,
  path: '/groups/$id',
  validateSearch: filters.group,
  beforeLoad: only(STAFF),
  component: lazyPage(() => import('~/pages/group')),
})

const library = createRoute({
  getParentRoute: within,
  path: '/content',
  validateSearch: filters.library,
  beforeLoad: only(STAFF),
  component: lazyPage(() => import('~/pages/library')),
})

const video = createRoute({
  getParentRoute: within,
  path: '/content/$id',
  validateSearch: filters.video,
  beforeLoad: only(STAFF),
  component: lazyPage(() => import('~/pages/video')),
})

const send = createRoute({
  getParentRoute: within,
  path: '/send',
  validateSearch: filters.send,
  beforeLoad: only(OPERATORS),
  component: lazyPage(() => import('~/pages/send')),
})

const deployments = createRoute({
  getParentRoute: within,
  path: '/deployments',
  validateSearch: filters.deployments,
  beforeLoad: only(STAFF),
  component: lazyPage(() => import('~/pages/deployments')),
})

const deployment = createRoute({
  getParentRoute: within,
  path: '/deployments/$id',
  validateSearch: filters.deployment,
  beforeLoad: only(STAFF),
  component: lazyPage(() => import('~/pages/deployment')),
})

/** The pages of administration bring their words along: few people ever open them. */
async function withWords<T>(page: Promise<T>): Promise<T> {
  const [loaded] = await Promise.all([page, learn('admin')])
  return loaded
}

const users = createRoute({
  getParentRoute: within,
  path: '/admin/users',
  validateSearch: filters.users,
  beforeLoad: only(ADMINS),
  component: lazyPage(() => withWords(import('~/pages/admin/users'))),
})

const agencies = createRoute({
  getParentRoute: within,
  path: '/admin/agencies',
  validateSearch: filters.agencies,
  beforeLoad: only(ADMINS),
  component: lazyPage(() => withWords(import('~/pages/admin/agencies'))),
})

const agency = createRoute({
  getParentRoute: within,
  path: '/admin/agencies/$id',
  validateSearch: filters.agency,
  beforeLoad: only(ADMINS),
  component: lazyPage(() => withWords(import('~/pages/admin/agency'))),
})

const audit = createRoute({
  getParentRoute: within,
  path: '/admin/audit',
  validateSearch: filters.audit,
  beforeLoad: only(ADMINS),
  component: lazyPage(() => withWords(import('~/pages/admin/audit'))),
})

const security = createRoute({
  getParentRoute: within,
  path: '/admin/security',
  beforeLoad: only(ADMINS),
  component: lazyPage(() => withWords(import('~/pages/admin/security'))),
})

const alertRules = createRoute({
  getParentRoute: within,
  path: '/admin/alerts',
  beforeLoad: only(ADMINS),
  component: lazyPage(() => withWords(import('~/pages/admin/alertrules'))),
})

const storage = createRoute({
  getParentRoute: within,
  path: '/admin/storage',
  beforeLoad: only(ADMINS),
  component: lazyPage(() => withWords(import('~/pages/admin/storage'))),
})

const doctor = createRoute({
  getParentRoute: within,
  path: '/admin/doctor',
  validateSearch: filters.doctor,
  beforeLoad: only(SUPER_ADMINS),
  component: lazyPage(() => withWords(import('~/pages/admin/doctor'))),
})

const forbidden = createRoute({
  getParentRoute: within,
  path: '/forbidden',
  component: lazyPage(() => import('~/pages/forbidden')),
})

const notFound = createRoute({
  getParentRoute: within,
  path: '/$',
  component: lazyPage(() => import('~/pages/notfound')),
})

const tree = root.addChildren([
  login,
  forgotten,
  reset,
  setup,
  shell.addChildren([
    home,
    profile,
    fleet,
    sites,
    newSite,
    siteHome,
    site,
    alerts,
    groups,
    group,
    library,
    video,
    send,
    deployments,
    deployment,
    users,
    agencies,
    agency,
    audit,
    security,
    alertRules,
    storage,
    doctor,
    forbidden,
    notFound,
  ]),
])

/** Builds the router once the session is known. */
export function makeRouter(client: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { client },
    defaultPreload: 'intent',
    scrollRestoration: true,
    // Plain texts in the address, not JSON.
    parseSearch: parseSearchWith((value) => value),
    stringifySearch: stringifySearchWith(String),
    defaultErrorComponent: PageError,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>
  }
}
