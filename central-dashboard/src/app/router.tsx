/** The addresses and what stands at them. Pages load when they are opened. */
import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  parseSearchWith,
  redirect,
  stringifySearchWith,
} from '@tanstack/react-router'
import { currentSession } from '~/api/session'
import type { Role } from '~/api/types'
import { learn } from '~/i18n/words'
import { ADMINS, OPERATORS, STAFF } from './pages'
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
  component: lazyRouteComponent(() => import('~/pages/login'), 'Page'),
})

const forgotten = createRoute({
  getParentRoute: () => root,
  path: '/forgot-password',
  component: lazyRouteComponent(() => import('~/pages/forgot'), 'Page'),
})

const reset = createRoute({
  getParentRoute: () => root,
  path: '/reset-password',
  validateSearch: filters.link,
  component: lazyRouteComponent(() => import('~/pages/reset'), 'Page'),
})

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  validateSearch: filters.link,
  component: lazyRouteComponent(() => import('~/pages/setup'), 'Page'),
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
  component: lazyRouteComponent(() => import('~/pages/profile'), 'Page'),
})

const fleet = createRoute({
  getParentRoute: within,
  path: '/dashboard',
  beforeLoad: only(STAFF),
  component: lazyRouteComponent(() => import('~/pages/fleet'), 'Page'),
})

const sites = createRoute({
  getParentRoute: within,
  path: '/sites',
  validateSearch: filters.sites,
  beforeLoad: only(STAFF),
  component: lazyRouteComponent(() => import('~/pages/sites'), 'Page'),
})

const newSite = createRoute({
  getParentRoute: within,
  path: '/sites/new',
  beforeLoad: only(OPERATORS),
  component: lazyRouteComponent(() => import('~/pages/newsite'), 'Page'),
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
  component: lazyRouteComponent(() => import('~/pages/site'), 'Page'),
})

const groups = createRoute({
  getParentRoute: within,
  path: '/groups',
  validateSearch: filters.groups,
  beforeLoad: only(STAFF),
  component: lazyRouteComponent(() => import('~/pages/groups'), 'Page'),
})

const group = createRoute({
  getParentRoute: within,
  path: '/groups/$id',
  validateSearch: filters.group,
  beforeLoad: only(STAFF),
  component: lazyRouteComponent(() => import('~/pages/group'), 'Page'),
})

const library = createRoute({
  getParentRoute: within,
  path: '/content',
  validateSearch: filters.library,
  beforeLoad: only(STAFF),
  component: lazyRouteComponent(() => import('~/pages/library'), 'Page'),
})

const video = createRoute({
  getParentRoute: within,
  path: '/content/$id',
  validateSearch: filters.video,
  beforeLoad: only(STAFF),
  component: lazyRouteComponent(() => import('~/pages/video'), 'Page'),
})

const send = createRoute({
  getParentRoute: within,
  path: '/send',
  validateSearch: filters.send,
  beforeLoad: only(OPERATORS),
  component: lazyRouteComponent(() => import('~/pages/send'), 'Page'),
})

const deployments = createRoute({
  getParentRoute: within,
  path: '/deployments',
  validateSearch: filters.deployments,
  beforeLoad: only(STAFF),
  component: lazyRouteComponent(() => import('~/pages/deployments'), 'Page'),
})

const deployment = createRoute({
  getParentRoute: within,
  path: '/deployments/$id',
  validateSearch: filters.deployment,
  beforeLoad: only(STAFF),
  component: lazyRouteComponent(() => import('~/pages/deployment'), 'Page'),
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
  component: lazyRouteComponent(() => withWords(import('~/pages/admin/users')), 'Page'),
})

const agencies = createRoute({
  getParentRoute: within,
  path: '/admin/agencies',
  validateSearch: filters.agencies,
  beforeLoad: only(ADMINS),
  component: lazyRouteComponent(() => withWords(import('~/pages/admin/agencies')), 'Page'),
})

const agency = createRoute({
  getParentRoute: within,
  path: '/admin/agencies/$id',
  validateSearch: filters.agency,
  beforeLoad: only(ADMINS),
  component: lazyRouteComponent(() => withWords(import('~/pages/admin/agency')), 'Page'),
})

const audit = createRoute({
  getParentRoute: within,
  path: '/admin/audit',
  validateSearch: filters.audit,
  beforeLoad: only(ADMINS),
  component: lazyRouteComponent(() => withWords(import('~/pages/admin/audit')), 'Page'),
})

const security = createRoute({
  getParentRoute: within,
  path: '/admin/security',
  beforeLoad: only(ADMINS),
  component: lazyRouteComponent(() => withWords(import('~/pages/admin/security')), 'Page'),
})

const forbidden = createRoute({
  getParentRoute: within,
  path: '/forbidden',
  component: lazyRouteComponent(() => import('~/pages/forbidden'), 'Page'),
})

const notFound = createRoute({
  getParentRoute: within,
  path: '/$',
  component: lazyRouteComponent(() => import('~/pages/notfound'), 'Page'),
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
