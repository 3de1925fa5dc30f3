//! The SQL of the live channel. All of it is the server's own work.

use super::hub::News;
use crate::clock::Time;
use crate::db::{Query, Scalar, query, row};
use crate::ids::SiteId;

row! {
    /// A site's key, as it is stored.
    #[derive(Debug)]
    pub struct StoredKey {
        pub site_name: String,
        pub api_key: String,
    }
}

/// The key of a site.
pub fn find_key(site: SiteId) -> Query<Option<StoredKey>> {
    query("select site_name, api_key from sites where id = $1").bind(site).optional()
}

/// Replaces the hash of NeoPro 1 by ours, unless the key was changed meanwhile.
pub fn replace_old_key(site: SiteId, old: String, new: String) -> Query<()> {
    query("update sites set api_key = $3 where id = $1 and api_key = $2").bind(site).bind(old).bind(new).nothing()
}

/// Writes down what was heard of sites, all of it in one statement. A state that a person set stays.
pub fn write_news(news: &[(SiteId, News)]) -> Query<()> {
    query(
        "update sites set \
           last_seen_at = greatest(sites.last_seen_at, news.seen), \
           last_ip = coalesce(news.ip, sites.last_ip), \
           local_ip = coalesce(news.local_ip, sites.local_ip), \
           software_version = coalesce(news.software_version, sites.software_version), \
           status = case when sites.status not in ('online', 'offline') then sites.status \
             when news.online then 'online' else 'offline' end \
         from unnest($1, $2, $3, $4, $5, $6) as news (id, seen, online, ip, local_ip, software_version) \
         where sites.id = news.id",
    )
    .bind(news.iter().map(|(site, _)| site.0).collect::<Vec<_>>())
    .bind(news.iter().map(|(_, news)| news.seen).collect::<Vec<_>>())
    .bind(news.iter().map(|(_, news)| news.online).collect::<Vec<_>>())
    .bind(news.iter().map(|(_, news)| news.ip.clone()).collect::<Vec<_>>())
    .bind(news.iter().map(|(_, news)| news.local_ip.clone()).collect::<Vec<_>>())
    .bind(news.iter().map(|(_, news)| news.software_version.clone()).collect::<Vec<_>>())
    .nothing()
}

/// Sites that say online and were not heard of since `lease`: their replica is gone with them. How many.
pub fn end_leases(lease: Time) -> Query<usize> {
    query("update sites set status = 'offline' where status = 'online' and last_seen_at < $1 returning id")
        .bind(lease)
        .all::<Scalar<SiteId>>()
        .map(|ended| ended.len())
}
