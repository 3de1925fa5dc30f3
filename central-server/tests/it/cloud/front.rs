//! What stands in front of services that are reached by https: nginx with one certificate for all of their names. In front of
//! our server it does what Render's two proxies do; the dashboard's files it serves as Render's static sites do, with the
//! headers and the rule of `render.yaml`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Child;

use yaml_rust2::{Yaml, YamlLoader};

use super::authority::Certificate;
use super::{DASHBOARD, SERVER, listening, program};

/// The port that the guide has the server listen on.
const SERVER_PORT: u16 = 3001;

/// nginx on port 443 of this network. Killed when it is dropped.
pub struct Front {
    program: Child,
}

/// Where it looks for the dashboard's files.
pub fn pages(folder: &Path) -> PathBuf {
    folder.join("pages")
}

impl Front {
    /// Starts it. `behind` are names and the local ports of what answers for them.
    pub async fn start(folder: &Path, certificate: &Certificate, behind: &[(String, u16)]) -> Self {
        let own = folder.join("front");
        fs::create_dir_all(&own).expect("a folder");
        fs::create_dir_all(pages(folder)).expect("a folder");
        let settings = own.join("nginx.conf");
        fs::write(&settings, lines(folder, &own, certificate, behind)).expect("its settings");
        let log = own.join("log");
        let said = File::create(&log).expect("a log");
        let started = program("nginx", false)
            .args(["-e", "stderr", "-p"])
            .arg(&own)
            .arg("-c")
            .arg(&settings)
            .stdout(said.try_clone().expect("the log"))
            .stderr(said)
            .spawn();
        let front = Self { program: started.expect("setpriv and nginx are installed") };
        listening("nginx", 443, &log).await;
        front
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn lines(folder: &Path, own: &Path, certificate: &Certificate, behind: &[(String, u16)]) -> String {
    let user = if rustix::process::getuid().as_raw() == 0 { "user root;\n" } else { "" };
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {}/{kind};\n", own.display()))
        .collect();
    let others: String = behind.iter().map(|(name, port)| server(name, &to(*port))).collect();
    format!(
        "{user}daemon off;\nmaster_process off;\npid {}/pid;\nevents {{ worker_connections 1024; }}\nhttp {{\n\
         access_log off;\n{temporary}types {{ {} }}\ndefault_type application/octet-stream;\n\
         map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}\n\
         ssl_certificate {};\nssl_certificate_key {};\n{}{}{others}}}\n",
        own.display(),
        TYPES,
        certificate.chain.display(),
        certificate.key.display(),
        server(SERVER, &to(SERVER_PORT)),
        server(DASHBOARD, &static_site(&pages(folder))),
    )
}

const TYPES: &str = "text/html html; text/javascript js; text/css css; font/woff2 woff2; application/json json; \
                     image/svg+xml svg;";

fn server(name: &str, inside: &str) -> String {
    format!("server {{ listen 127.0.0.1:443 ssl; server_name {name}; client_max_body_size 0;\n{inside}}}\n")
}

/// Passes everything on as it comes. The platform's two proxies each add the address that they were asked from.
fn to(port: u16) -> String {
    format!(
        "location / {{ proxy_pass http://127.0.0.1:{port}; proxy_http_version 1.1; proxy_buffering off; \
         proxy_request_buffering off; proxy_read_timeout 300s;\nproxy_set_header Host $host; \
         proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;\n\
         proxy_set_header X-Forwarded-Proto https; proxy_set_header X-Forwarded-For \"203.0.113.9, 172.71.0.1\"; }}\n"
    )
}

/// The site of step 7 by what `render.yaml` says of it: the rewrite of 7.4, and headers by path.
fn static_site(root: &Path) -> String {
    let site = site_of_blueprint();
    let routes = site["routes"].as_vec().expect("the rule of step 7.4");
    let [route] = routes.as_slice() else { panic!("one rule: {routes:?}") };
    let text = |of: &Yaml, name: &str| of[name].as_str().unwrap_or_else(|| panic!("{name} of {of:?}")).to_owned();
    assert_eq!((text(route, "type"), text(route, "source")), ("rewrite".to_owned(), "/*".to_owned()));
    let headers = site["headers"].as_vec().expect("headers");
    let of = |path: &str| -> String {
        let ours = headers.iter().filter(|header| text(header, "path") == path || text(header, "path") == "/*");
        ours.map(|header| format!("add_header {} \"{}\" always;\n", text(header, "name"), text(header, "value")))
            .collect()
    };
    format!(
        "root {};\nlocation /assets/ {{ {} try_files $uri {target}; }}\nlocation / {{ {} try_files $uri {target}; }}\n",
        root.display(),
        of("/assets/*"),
        of("/*"),
        target = text(route, "destination"),
    )
}

fn site_of_blueprint() -> Yaml {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../render.yaml");
    let blueprint = YamlLoader::load_from_str(&fs::read_to_string(file).expect("render.yaml")).expect("YAML");
    let services = blueprint[0]["services"].as_vec().expect("services").clone();
    services.into_iter().find(|service| service["runtime"].as_str() == Some("static")).expect("the static site")
}
