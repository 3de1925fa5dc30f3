//! Clients of the API with sessions of their own, each with a ledger of what it must see: its own account, its
//! own sites, nobody else's. Some of its requests are given up in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use uuid::Uuid;

use super::Random;
use crate::support::app::PASSWORD;
use crate::support::{Answer, TestDb, http};

/// The roles, in turn.
const ROLES: [&str; 8] = ["super_admin", "admin", "operator", "viewer", "agency", "agency", "sponsor", "sponsor"];

/// Sites that each client has from the beginning.
const SITES: usize = 4;

const REGIONS: [&str; 3] = ["Bretagne", "Pays de la Loire", "Normandie"];
const STATUSES: [&str; 4] = ["online", "offline", "maintenance", "error"];

/// What a client knows of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Site {
    name: String,
    club: String,
    region: String,
    status: String,
    live: bool,
}

impl Site {
    fn seen(row: &Value) -> Self {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            name: word(&row["site_name"]),
            club: word(&row["club_name"]),
            region: word(&row["location"]["region"]),
            status: word(&row["status"]),
            live: row["live_score_enabled"] == true,
        }
    }
}

/// A site of the ledger.
#[derive(Debug, Clone)]
struct Kept {
    site: Site,
    /// A change that was given up before its answer, and when: it may have happened or may yet. `None` inside is
    /// a deletion. Until it is known, the client changes nothing else in this site.
    perhaps: Option<(Option<Site>, Instant)>,
}

/// After this long a request that was given up has happened, or never will: it waits a few seconds for a connection, and
/// a server ends each within 15 s.
const UNCERTAIN: Duration = Duration::from_secs(30);

/// Sites of a client at which it stops creating more.
const ENOUGH: usize = 12;

/// Who a client is.
#[derive(Debug, Clone)]
struct Account {
    id: Uuid,
    /// Occurs in the names of its sites and in no others.
    mark: String,
    email: String,
    role: &'static str,
    /// The agency or the sponsor.
    tenant: Option<Uuid>,
}

/// A client.
pub struct Client {
    account: Account,
    token: String,
    ports: [u16; 2],
    random: Random,
    sites: BTreeMap<String, Kept>,
    /// Sites whose creation was given up before its answer, by their name, and when.
    maybe_created: BTreeMap<String, (Site, Instant)>,
    /// Sites of others that nobody changes.
    others: Arc<Vec<(String, String, Site)>>,
    /// How many names it has given.
    names: u32,
    /// Requests that were answered, and those that were given up before.
    pub answered: u64,
    pub abandoned: u64,
}

/// Accounts with their sites, written by SQL, and a client for each.
pub async fn clients(db: &TestDb, count: usize, ports: [u16; 2], seed: u64) -> Vec<Client> {
    let owner = db.owner().await;
    let hash = neopro_central::auth::Passwords::default().hash(PASSWORD.into()).await.expect("a hash");
    let mut clients = Vec::new();
    let mut unchanged = Vec::new();
    for index in 0..count {
        let role = ROLES[index % ROLES.len()];
        let mark = format!("m{index:02}m");
        let tenant = matches!(role, "agency" | "sponsor").then(Uuid::now_v7);
        let account = Account { id: Uuid::now_v7(), email: format!("{mark}@neopro.test"), mark, role, tenant };
        let mut random = Random::seeded(seed.wrapping_add(1_000 + index as u64));
        let mut sites = BTreeMap::new();
        insert_account(&owner, &account, &hash).await;
        for number in 0..SITES {
            let site = Site {
                name: format!("{} s{number}", account.mark),
                club: format!("Club {} {}", account.mark, random.below(100)),
                region: random.of(&REGIONS).to_string(),
                status: random.of(&STATUSES).to_string(),
                live: random.below(2) == 0,
            };
            let id = insert_site(&owner, &account, &site).await;
            if !matches!(role, "super_admin" | "admin" | "operator") {
                unchanged.push((account.mark.clone(), id.clone(), site.clone()));
            }
            sites.insert(id, Kept { site, perhaps: None });
        }
        clients.push(Client {
            account,
            token: String::new(),
            ports,
            random,
            sites,
            maybe_created: BTreeMap::new(),
            others: Arc::default(),
            names: 0,
            answered: 0,
            abandoned: 0,
        });
    }
    let unchanged = Arc::new(unchanged);
    for client in &mut clients {
        client.others = Arc::clone(&unchanged);
    }
    clients
}

async fn insert_account(owner: &tokio_postgres::Client, account: &Account, hash: &str) {
    if let Some(tenant) = account.tenant {
        let table = if account.role == "agency" { "agencies" } else { "sponsors" };
        let sql = format!("insert into {table} (id, name) values ($1, $2)");
        owner.execute(&sql, &[&tenant, &account.mark]).await.expect("a tenant");
    }
    let tenant_if = |role| account.tenant.filter(|_| account.role == role);
    owner
        .execute(
            "insert into users (id, email, password_hash, full_name, role, agency_id, sponsor_id) \
             values ($1, $2, $3, 'Camille Durand', $4, $5, $6)",
            &[&account.id, &account.email, &hash, &account.role, &tenant_if("agency"), &tenant_if("sponsor")],
        )
        .await
        .expect("an account");
}

async fn insert_site(owner: &tokio_postgres::Client, account: &Account, site: &Site) -> String {
    let id = Uuid::now_v7();
    owner
        .execute(
            "insert into sites (id, site_name, club_name, location, status, live_score_enabled, api_key) \
             values ($1, $2, $3, jsonb_build_object('region', $4::text), $5, $6, gen_random_uuid()::text)",
            &[&id, &site.name, &site.club, &site.region, &site.status, &site.live],
        )
        .await
        .expect("a site");
    if let Some(tenant) = account.tenant {
        let role = account.role;
        let sql = format!("insert into {role}_sites ({role}_id, site_id) values ($1, $2)");
        owner.execute(&sql, &[&tenant, &id]).await.expect("a site of the tenant");
    }
    id.to_string()
}

impl Client {
    /// Logs in, and sends so many requests of all kinds.
    pub async fn live(mut self, requests: u64) -> Self {
        self.log_in().await;
        while self.answered + self.abandoned < requests {
            self.forget_what_is_over();
            match self.random.below(100) {
                0..15 => self.me().await,
                15..28 => self.list().await,
                28..36 => self.filtered_list().await,
                36..44 => self.page().await,
                44..54 => self.read_own().await,
                54..64 => self.read_other().await,
                64..66 => self.log_out_and_in().await,
                66..71 => self.without_a_session().await,
                71..82 => self.create().await,
                82..90 => self.update().await,
                90..94 => self.replace_key().await,
                _ => self.delete().await,
            }
        }
        self
    }

    /// Looks at all its sites once more.
    pub async fn take_stock(&mut self) {
        let path = format!("/api/sites?search={}", self.account.mark);
        let answer = self.send(&Method::GET, &path, None).await;
        self.hold(&answer, |_| true, true);
    }

    fn forget_what_is_over(&mut self) {
        for kept in self.sites.values_mut() {
            kept.perhaps.take_if(|(_, since)| since.elapsed() > UNCERTAIN);
        }
        self.maybe_created.retain(|_, (_, since)| since.elapsed() < UNCERTAIN);
    }

    fn who(&self) -> String {
        format!("{} ({})", self.account.mark, self.account.role)
    }

    fn is(&self, roles: &[&str]) -> bool {
        roles.contains(&self.account.role)
    }

    fn may_write(&self) -> bool {
        self.is(&["super_admin", "admin", "operator"])
    }

    fn may_delete(&self) -> bool {
        self.is(&["super_admin", "admin"])
    }

    /// Sends a request to one of the servers and reads the answer.
    async fn send(&mut self, method: &Method, path: &str, body: Option<&Value>) -> Answer {
        let port = self.ports[self.random.below(2) as usize];
        self.answered += 1;
        let answer = http::send(port, method.clone(), path, Some(&self.token), body).await;
        answer.unwrap_or_else(|error| panic!("{}: {method} {path}: {error}", self.who()))
    }

    /// Sends a request; one in five is given up before its answer.
    async fn ask(&mut self, method: Method, path: &str, body: Option<Value>) -> Option<Answer> {
        if self.random.below(5) > 0 {
            return Some(self.send(&method, path, body.as_ref()).await);
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let (token, length) = (&self.token, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let port = self.ports[self.random.below(2) as usize];
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("the request leaves");
        let longest = *self.random.of(&[1_000, 20_000, 100_000]);
        tokio::time::sleep(Duration::from_micros(self.random.below(longest))).await;
        self.abandoned += 1;
        None
    }

    /// Holds a list against the ledger and returns the ids in it. Sites of the ledger that pass the filter and
    /// are certain have to be there.
    fn hold(&mut self, answer: &Answer, filter: impl Fn(&Site) -> bool, is_whole: bool) -> Vec<String> {
        let who = self.who();
        assert_eq!(answer.status, 200, "{who}: {}", answer.text);
        let rows = answer.json()["data"].as_array().expect("rows").clone();
        let seen: Vec<String> = rows.iter().map(|row| self.hold_site(row)).collect();
        for row in &rows {
            assert!(filter(&Site::seen(row)), "{who}: {row} is beside the filter");
        }
        if is_whole {
            let missing = |id: &String, kept: &Kept| filter(&kept.site) && !seen.contains(id);
            self.sites.retain(|id, kept| {
                if !missing(id, kept) {
                    return true;
                }
                assert!(kept.perhaps.is_some(), "{who}: {kept:?} is missing in {}", answer.text);
                // Deleted, or changed so that it does not pass any more.
                !matches!(kept.perhaps, Some((None, _)))
            });
        }
        let distinct: BTreeSet<&String> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "{who}: twice the same in {}", answer.text);
        seen
    }

    /// Holds a site against the ledger.
    fn hold_site(&mut self, row: &Value) -> String {
        let who = self.who();
        let id = row["id"].as_str().expect("an id").to_owned();
        let seen = Site::seen(row);
        let model = row["hardware_model"].as_str().expect("a model");
        assert_eq!(model.is_empty(), self.account.role == "sponsor", "{who}: {row}");
        match self.sites.get_mut(&id) {
            Some(kept) if kept.site == seen => {}
            Some(kept) if kept.perhaps.as_ref().is_some_and(|(perhaps, _)| perhaps.as_ref() == Some(&seen)) => {
                *kept = Kept { site: seen, perhaps: None };
            }
            Some(kept) => panic!("{who} sees {row} instead of {kept:?}"),
            None => {
                let created = self.maybe_created.remove(&seen.name).map(|(site, _)| site);
                assert_eq!(created.as_ref(), Some(&seen), "{who} sees a site that is not its own: {row}");
                self.sites.insert(id.clone(), Kept { site: seen, perhaps: None });
            }
        }
        id
    }

    /// A site of the ledger of which nothing is uncertain.
    fn certain(&mut self) -> Option<(String, Site)> {
        let certain: Vec<_> = self.sites.iter().filter(|(_, kept)| kept.perhaps.is_none()).collect();
        if certain.is_empty() {
            return None;
        }
        let (id, kept) = certain[self.random.below(certain.len() as u64) as usize];
        Some((id.clone(), kept.site.clone()))
    }
}

/// The kinds of requests.
impl Client {
    async fn log_in(&mut self) {
        let body = json!({"email": self.account.email, "password": PASSWORD});
        let answer = self.send(&Method::POST, "/api/auth/login", Some(&body)).await;
        assert_eq!(answer.status, 200, "{}: {}", self.who(), answer.text);
        let answer = answer.json();
        assert_eq!(answer["user"]["id"], self.account.id.to_string(), "{}", self.who());
        self.token = answer["token"].as_str().expect("a token").to_owned();
    }

    async fn me(&mut self) {
        let Some(answer) = self.ask(Method::GET, "/api/auth/me", None).await else { return };
        assert_eq!(answer.status, 200, "{}: {}", self.who(), answer.text);
        let (me, Account { id, email, role, tenant, .. }) = (answer.json(), &self.account);
        let tenant_if = |wanted: &str| json!(tenant.filter(|_| *role == wanted));
        let seen = [&me["id"], &me["email"], &me["role"], &me["agency_id"], &me["sponsor_id"]];
        let due = [json!(id), json!(email), json!(role), tenant_if("agency"), tenant_if("sponsor")];
        assert_eq!(seen.map(Value::clone), due, "{}", self.who());
    }

    async fn list(&mut self) {
        let sort = *self.random.of(&["site_name", "club_name", "status", "created_at"]);
        let order = *self.random.of(&["asc", "desc"]);
        // Tenants see their own anyway; everybody else sees all, and asks for his own.
        let search = if self.account.tenant.is_some() { "" } else { &format!("&search={}", self.account.mark) };
        let path = format!("/api/sites?sort={sort}&order={order}{search}");
        let Some(answer) = self.ask(Method::GET, &path, None).await else { return };
        self.hold(&answer, |_| true, true);
        let rows = answer.json()["data"].as_array().expect("rows").clone();
        let keys: Vec<&str> = rows.iter().map(|row| row[sort].as_str().expect("a key")).collect();
        assert!(keys.is_sorted_by(|a, b| if order == "asc" { a <= b } else { a >= b }), "{path}: {keys:?}");
    }

    async fn filtered_list(&mut self) {
        let (region, status) = (*self.random.of(&REGIONS), *self.random.of(&STATUSES));
        let by_region = self.random.below(2) == 0;
        let filter =
            if by_region { format!("region={}", region.replace(' ', "%20")) } else { format!("status={status}") };
        let path = format!("/api/sites?search={}&{filter}", self.account.mark);
        let Some(answer) = self.ask(Method::GET, &path, None).await else { return };
        self.hold(&answer, |site| if by_region { site.region == region } else { site.status == status }, true);
    }

    async fn page(&mut self) {
        let (limit, page) = (1 + self.random.below(4), 1 + self.random.below(3));
        let path = format!("/api/sites?search={}&sort=site_name&limit={limit}&page={page}", self.account.mark);
        let is_certain = self.maybe_created.is_empty() && self.sites.values().all(|kept| kept.perhaps.is_none());
        let Some(answer) = self.ask(Method::GET, &path, None).await else { return };
        let seen = self.hold(&answer, |_| true, false);
        if is_certain {
            let mut due: Vec<_> = self.sites.iter().map(|(id, kept)| (&kept.site.name, id)).collect();
            due.sort_unstable();
            let due = due.into_iter().skip(((page - 1) * limit) as usize).take(limit as usize);
            assert!(due.map(|(_, id)| id).eq(&seen), "{}: {path}: {}", self.who(), answer.text);
            assert_eq!(answer.json()["total"], self.sites.len(), "{}: {path}", self.who());
        }
    }

    async fn read_own(&mut self) {
        let Some((id, _)) = self.certain() else { return };
        let Some(answer) = self.ask(Method::GET, &format!("/api/sites/{id}"), None).await else { return };
        assert_eq!(answer.status, 200, "{}: {}", self.who(), answer.text);
        assert_eq!(self.hold_site(&answer.json()), id);
    }

    async fn read_other(&mut self) {
        let (mark, id, site) = self.random.of(&Arc::clone(&self.others)).clone();
        let Some(answer) = self.ask(Method::GET, &format!("/api/sites/{id}"), None).await else { return };
        if self.account.tenant.is_some() && mark != self.account.mark {
            assert_eq!(answer.status, 404, "{} sees {mark}: {}", self.who(), answer.text);
        } else {
            assert_eq!((answer.status, Site::seen(&answer.json())), (200, site), "{}", self.who());
        }
    }

    async fn log_out_and_in(&mut self) {
        let answer = self.send(&Method::POST, "/api/auth/logout", None).await;
        assert_eq!(answer.status, 200, "{}: {}", self.who(), answer.text);
        let answer = self.send(&Method::GET, "/api/auth/me", None).await;
        assert_eq!(answer.status, 401, "{} is logged out: {}", self.who(), answer.text);
        self.log_in().await;
    }

    async fn without_a_session(&mut self) {
        let token = self.token.clone();
        // The last letter but one: not all bits of the last one count.
        let at = token.len() - 2;
        let letter = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        self.token.replace_range(at..=at, letter);
        let path = *self.random.of(&["/api/auth/me", "/api/sites"]);
        let answer = self.ask(Method::GET, path, None).await;
        self.token = token;
        assert!(answer.is_none_or(|answer| answer.status == 401), "{}: a forged token", self.who());
    }

    async fn create(&mut self) {
        if self.sites.len() > ENOUGH {
            return self.update().await;
        }
        self.names += 1;
        let site = Site {
            name: format!("{} n{:05}", self.account.mark, self.names),
            club: format!("Club {} {}", self.account.mark, self.random.below(100)),
            region: self.random.of(&REGIONS).to_string(),
            status: "offline".into(),
            live: false,
        };
        let body = json!({"site_name": site.name, "club_name": site.club, "location": {"region": site.region}});
        let answer = self.ask(Method::POST, "/api/sites", Some(body)).await;
        match answer {
            _ if !self.may_write() => self.refused(answer),
            Some(answer) => {
                assert_eq!(answer.status, 201, "{}: {}", self.who(), answer.text);
                let row = answer.json();
                assert_eq!(Site::seen(&row), site, "{}", self.who());
                self.sites.insert(row["id"].as_str().expect("an id").into(), Kept { site, perhaps: None });
            }
            None => drop(self.maybe_created.insert(site.name.clone(), (site, Instant::now()))),
        }
    }

    async fn update(&mut self) {
        let Some((id, mut site)) = self.certain() else { return };
        site.status = self.random.of(&STATUSES).to_string();
        site.live = !site.live;
        site.club = format!("Club {} {}", self.account.mark, self.random.below(100));
        let body = json!({"status": site.status, "live_score_enabled": site.live, "club_name": site.club});
        let answer = self.ask(Method::PUT, &format!("/api/sites/{id}"), Some(body)).await;
        if self.may_write() {
            self.changed(&id, answer, Some(site));
        } else {
            self.refused(answer);
        }
    }

    async fn replace_key(&mut self) {
        let Some((id, site)) = self.certain() else { return };
        let answer = self.ask(Method::POST, &format!("/api/sites/{id}/regenerate-key"), None).await;
        if !self.may_delete() {
            self.refused(answer);
        } else if let Some(answer) = answer {
            let row = answer.json();
            assert_eq!((answer.status, &row["id"], &row["site_name"]), (200, &json!(id), &json!(site.name)));
        }
    }

    async fn delete(&mut self) {
        let Some((id, _)) = self.certain() else { return };
        let answer = self.ask(Method::DELETE, &format!("/api/sites/{id}"), None).await;
        if self.may_delete() {
            self.changed(&id, answer, None);
        } else {
            self.refused(answer);
        }
    }

    /// What its role may not do is refused.
    fn refused(&self, answer: Option<Answer>) {
        if let Some(answer) = answer {
            assert_eq!(answer.status, 403, "{}: {}", self.who(), answer.text);
        }
    }

    /// Enters a change into the ledger: certain with an answer, perhaps without.
    fn changed(&mut self, id: &str, answer: Option<Answer>, site: Option<Site>) {
        let Some(answer) = answer else {
            self.sites.get_mut(id).expect("a site of the ledger").perhaps = Some((site, Instant::now()));
            return;
        };
        assert_eq!(answer.status, 200, "{}: {}", self.who(), answer.text);
        match site {
            Some(site) => {
                assert_eq!(Site::seen(&answer.json()), site, "{}", self.who());
                self.sites.insert(id.into(), Kept { site, perhaps: None });
            }
            None => drop(self.sites.remove(id)),
        }
    }
}
