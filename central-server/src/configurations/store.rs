//! The SQL of configurations. `$1` is always the caller's tenant: the first wall, see [`reach`].

use super::LocalContent;
use crate::db::{Query, Scope, first_wall, scoped};
use crate::ids::SiteId;

/// The condition under which a scope reaches configurations: NeoPro's own people and the server itself.
fn reach(scope: Scope) -> &'static str {
    first_wall(match scope {
        Scope::System | Scope::Staff(_) => "$1 is null",
        Scope::Agency(..) | Scope::Sponsor(..) => "$1 is null and false",
    })
}

/// The mirror of a site's configuration; `None` without the site.
pub fn local_content(scope: Scope, site: SiteId) -> Query<Option<LocalContent>> {
    let sql = format!(
        "select s.id as site_id, s.site_name, s.club_name, m.site_id is not null as has_content, \
           m.received_at as last_sync, m.hash as config_hash, m.configuration \
         from sites s left join site_mirrors m on m.site_id = s.id where {} and s.id = $2",
        reach(scope)
    );
    scoped(scope, sql).bind(site).optional()
}
