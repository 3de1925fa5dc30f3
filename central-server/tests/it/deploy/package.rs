//! The Debian package, built from the program under test and installed for real: into a copy of this machine that is
//! thrown away (an overlay in a mount namespace), so that a developer's own machine stays as it is.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::repository;
use crate::support::cluster::scratch;
use crate::support::program::{free_port, words};

/// Installs, starts as the unit does, upgrades, removes and purges. Each step prints what the test looks at.
const LIFE: &str = r#"
set -eu
package=$1 port=$2
mount -t tmpfs none "$3"
mkdir "$3/upper" "$3/work" "$3/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$3/upper,workdir=$3/work" "$3/root"
mount -t proc proc "$3/root/proc"
mount --rbind /dev "$3/root/dev"
cp "$package" "$3/root/neopro.deb"
cat > "$3/root/life.sh" <<'END'
set -eu
rm -rf /var/lib/neopro /etc/neopro
dpkg --install /neopro.deb
echo "settings $(stat -c '%a %U %G' /etc/neopro/central.env)"
echo "data $(stat -c '%a %U %G' /var/lib/neopro)"
before=$(sha256sum /etc/neopro/central.env)
grep -c '@[A-Z_]*@' /etc/neopro/central.env || true
set -a
. /etc/neopro/central.env
set +a
export NEOPRO_DATA_DIR=/var/lib/neopro PORT=$1
setpriv --reuid neopro --regid neopro --clear-groups /usr/bin/neopro-central serve > /serve.log 2>&1 &
server=$!
curl --silent --show-error --retry 60 --retry-delay 1 --retry-all-errors --fail "http://127.0.0.1:$1/ready" && echo
for _ in $(seq 20); do grep -q '/setup?token=' /serve.log && break || sleep 0.5; done
grep -o '/setup?token=' /serve.log | head -1
kill -TERM $server
wait $server && echo "ended $?" || { echo "ended $?"; cat /serve.log; }
dpkg --install /neopro.deb > /dev/null
[ "$before" = "$(sha256sum /etc/neopro/central.env)" ] && echo "an upgrade keeps the settings"
dpkg --remove neopro-central > /dev/null
[ "$before" = "$(sha256sum /etc/neopro/central.env)" ] && [ ! -e /usr/bin/neopro-central ] && echo "removed"
dpkg --purge neopro-central
[ ! -e /etc/neopro ] && [ -d /var/lib/neopro/postgres ] && echo "purged, the data stay"
END
chroot "$3/root" sh /life.sh "$port"
"#;

fn build() -> PathBuf {
    let script = repository().join("deploy/debian/build.sh");
    let folder = scratch("package");
    let output = Command::new("sh")
        .arg(script)
        .args([env!("CARGO_BIN_EXE_neopro-central").as_ref(), folder.as_os_str()])
        .arg("none")
        .output()
        .expect("sh");
    assert!(output.status.success(), "{}", words(&output));
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

/// In namespaces of its own, what it mounts and starts goes with it.
fn live_through(package: &Path) -> Output {
    let folder = scratch("package").join(format!("life-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    Command::new("unshare")
        .args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", LIFE, "life"])
        .arg(package)
        .arg(free_port().to_string())
        .arg(&folder)
        .output()
        .expect("unshare")
}

#[test]
fn the_debian_package_installs_starts_upgrades_and_goes() {
    let package = build();
    let life = live_through(&package);
    let said = words(&life);
    assert!(life.status.success(), "{said}");
    for line in [
        "settings 640 root neopro",
        "data 711 neopro neopro",
        // No placeholder is left in the settings.
        "\n0\n",
        "ended 0",
        // Nobody has an account yet: the log has the link for the first one.
        "/setup?token=",
        "an upgrade keeps the settings",
        "removed",
        "NeoPro: database and files stay in /var/lib/neopro",
        "purged, the data stay",
    ] {
        assert!(said.contains(line), "{line:?} is missing in:\n{said}");
    }
    std::fs::remove_file(package).expect("the package");
}

#[test]
fn the_unit_is_one_that_systemd_understands_and_holds_the_server_tight() {
    let unit = repository().join("deploy/debian/neopro-central.service");
    let security = Command::new("systemd-analyze")
        .args(["security", "--offline=yes", "--threshold=25"])
        .arg(&unit)
        .output()
        .expect("systemd-analyze");
    assert!(security.status.success(), "{}", words(&security));
    let text = std::fs::read_to_string(unit).expect("the unit");
    for line in ["ExecStart=/usr/bin/neopro-central serve", "User=neopro", "EnvironmentFile=/etc/neopro/central.env"] {
        assert!(text.lines().any(|one| one == line), "{line}");
    }
}
