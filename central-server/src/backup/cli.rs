//! `backup` and `restore`.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use tokio_postgres::Client;

use super::dump::{self, Dumped, dump};
use super::load::{self, Restored, Verified, Wish, check_schema, verify};
use super::store::{Found, Token};
use super::{Fault, Manifest, Needed};
use crate::clock::Clock;
use crate::db::Error;

/// How a passphrase is given: never as a word of the command line, which every user of the machine can read.
#[derive(Debug, Args)]
struct Passphrase {
    /// Demande la phrase secrète qui chiffre la sauvegarde.
    #[arg(long, conflicts_with = "passphrase_file")]
    passphrase: bool,
    /// Lit la phrase secrète dans ce fichier (sa première ligne).
    #[arg(long, value_name = "FICHIER")]
    passphrase_file: Option<PathBuf>,
}

/// The shortest passphrase: whoever has the file may guess for ever.
const SHORTEST: usize = 12;

impl Passphrase {
    /// The passphrase, asked for twice where it is a new one.
    fn read(&self, is_new: bool) -> Result<Option<String>, String> {
        let phrase = if let Some(path) = &self.passphrase_file {
            let text = fs::read_to_string(path).map_err(|error| format!("{} : {error}.", path.display()))?;
            text.lines().next().unwrap_or_default().to_owned()
        } else if self.passphrase {
            let phrase = ask("Phrase secrète : ")?;
            if is_new && ask("Encore une fois : ")? != phrase {
                return Err("Les deux phrases ne sont pas les mêmes : rien n'a été écrit.".into());
            }
            phrase
        } else {
            return Ok(None);
        };
        if is_new && phrase.chars().count() < SHORTEST {
            return Err(format!("La phrase secrète est trop courte : {SHORTEST} caractères au moins."));
        }
        Ok(Some(phrase))
    }
}

fn ask(words: &str) -> Result<String, String> {
    if !io::stdin().is_terminal() {
        return Err("Aucun terminal pour demander la phrase secrète : utilisez --passphrase-file.".into());
    }
    rpassword::prompt_password(words).map_err(|error| format!("La phrase secrète n'a pas pu être lue : {error}."))
}

/// `backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// Le fichier à écrire, qui ne doit pas exister, ou « - » pour la sortie standard. Sans lui : neopro-<moment>.backup dans
    /// le dossier courant.
    file: Option<PathBuf>,
    #[command(flatten)]
    passphrase: Passphrase,
    /// Vérifie ce fichier au lieu d'en écrire un : chaque octet, chaque table. La base n'est pas touchée.
    #[arg(long, requires = "file")]
    verify: bool,
    /// Avec --verify : la liste des fichiers que la sauvegarde attend dans le stockage, chacun avec son empreinte SHA-256 et
    /// sa taille.
    #[arg(long, requires = "verify")]
    files: bool,
}

/// What the commands need to know of this installation.
#[derive(Debug)]
pub struct Here {
    /// The name of the key that secrets are sealed with, if it is known.
    pub key: Option<String>,
    /// The data folder: what is below its `storage` is served to everybody.
    pub data_dir: PathBuf,
}

impl Backup {
    /// Whether a file is to be read, and no database.
    #[must_use]
    pub fn only_verifies(&self) -> bool {
        self.verify
    }

    /// Reads a backup whole. What it is.
    ///
    /// # Errors
    /// A sentence.
    pub fn verify(&self) -> Result<String, String> {
        let mut files = String::new();
        let list = |needed: &Needed| {
            let Needed { bucket, path, bytes, sha256 } = needed;
            let (hash, size) =
                (sha256.as_deref().unwrap_or("-"), bytes.map_or("-".to_owned(), |bytes| bytes.to_string()));
            let _ = writeln!(files, "{hash} {size} {bucket}/{path}");
        };
        let path = self.file.as_deref().unwrap_or(Path::new("-"));
        let (_, verified) =
            if self.files { opened(path, &self.passphrase, list)? } else { opened(path, &self.passphrase, |_| {})? };
        let Verified { manifest, end, sha256 } = &verified;
        let known = check_schema(manifest).err().map(|failed| format!("{}\n", refusal(&failed))).unwrap_or_default();
        Ok(format!(
            "Sauvegarde du {}, entière (programme {}, schéma {}, PostgreSQL {}) : {} tables, {} lignes.\n\
             Fichiers qu'elle attend dans le stockage : {} (ils n'y sont pas).\n{}\nSHA-256 : {sha256}\n{known}{files}",
            manifest.made_at,
            manifest.program,
            manifest.schema(),
            manifest.postgresql,
            end.tables,
            end.rows,
            end.objects,
            match &manifest.key {
                Some(key) => format!("Clé MFA_ENCRYPTION_KEY de ses secrets : n° {key}."),
                None => "La clé MFA_ENCRYPTION_KEY de ses secrets n'y est pas nommée.".to_owned(),
            }
        ))
    }

    /// Writes one. What was written.
    ///
    /// # Errors
    /// A sentence; then there is no file.
    pub async fn run(self, client: &Client, here: &Here) -> Result<String, String> {
        let passphrase = self.passphrase.read(true)?;
        let began = Instant::now();
        if self.file.as_deref() == Some(Path::new("-")) {
            if io::stdout().is_terminal() {
                return Err(
                    "La sortie standard est un terminal : redirigez-la vers un fichier, ou nommez-en un.".into()
                );
            }
            let out = BufWriter::new(io::stdout());
            let dumped = dump(client, out, passphrase.as_deref(), here.key.clone()).await.map_err(|e| failed(&e))?;
            return Ok(told(&dumped, "la sortie standard", passphrase.is_some(), began));
        }
        let path = self.file.unwrap_or_else(|| {
            let moment = Clock::System.now().to_string().replace(':', "-");
            PathBuf::from(format!("neopro-{moment}.backup"))
        });
        let draft = Draft::create(&path, &here.data_dir)?;
        let out = BufWriter::new(draft.file.try_clone().map_err(|error| unwritable(&path, &error))?);
        let dumped = dump(client, out, passphrase.as_deref(), here.key.clone()).await.map_err(|e| failed(&e))?;
        draft.keep(&path)?;
        Ok(told(&dumped, &path.display().to_string(), passphrase.is_some(), began))
    }
}

fn told(dumped: &Dumped, place: &str, is_sealed: bool, began: Instant) -> String {
    let Dumped { manifest, end, .. } = dumped;
    let mut text = format!(
        "Sauvegarde du {} écrite dans {place} : {} tables, {} lignes (schéma {}), en {:.1} s.\n",
        manifest.made_at,
        end.tables,
        end.rows,
        manifest.schema(),
        began.elapsed().as_secs_f64()
    );
    text.push_str(match is_sealed {
        true => "Elle est chiffrée : sans sa phrase secrète, personne ne pourra la lire.\n",
        false => {
            "Elle n'est pas chiffrée : gardez-la où personne d'autre ne lit, jamais dans un bucket public. --passphrase la \
             chiffre.\n"
        }
    });
    let key = match &manifest.key {
        Some(key) => format!(
            "MFA_ENCRYPTION_KEY (clé n° {key}) n'y est pas : gardez-la à part ; sans elle, les secrets sauvegardés ne \
             s'ouvrent plus.\n"
        ),
        None => {
            "MFA_ENCRYPTION_KEY n'est pas donnée à cette commande : une restauration ne pourra pas vérifier que c'est \
             la même. Gardez-la à part.\n"
                .to_owned()
        }
    };
    text.push_str(&key);
    if end.objects > 0 {
        let _ = writeln!(
            text,
            "Les fichiers du stockage ({}) n'y sont pas : « neopro-central storage copy » les copie, « storage inventory » \
             dit lesquels manquent.",
            end.objects
        );
    }
    text
}

/// A file that gets its name when it is whole.
struct Draft {
    file: File,
    path: Option<PathBuf>,
}

impl Draft {
    fn create(path: &Path, data_dir: &Path) -> Result<Self, String> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let real = folder.canonicalize().map_err(|error| unwritable(path, &error))?;
        let public = data_dir.join("storage");
        if public.canonicalize().is_ok_and(|public| real.starts_with(public)) {
            return Err(format!(
                "{} est dans le stockage, que tout le monde peut lire : choisissez un autre dossier.",
                path.display()
            ));
        }
        if path.exists() {
            return Err(format!("{} existe déjà : choisissez un autre nom.", path.display()));
        }
        let name = path.file_name().ok_or_else(|| format!("{} n'est pas un nom de fichier.", path.display()))?;
        let draft = real.join(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft);
        Ok(Self { file: file.map_err(|error| unwritable(path, &error))?, path: Some(draft) })
    }

    /// Puts it on the disk for good and gives it its name, which nobody has taken meanwhile.
    fn keep(self, path: &Path) -> Result<(), String> {
        let draft = self.path.as_deref().unwrap_or(path);
        let named = self.file.sync_all().and_then(|()| match fs::hard_link(draft, path) {
            // A memory stick has no links.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !path.exists() => {
                fs::copy(draft, path).map(|_| ())
            }
            linked => linked,
        });
        let folder = draft.parent().unwrap_or(Path::new("."));
        let kept = named.and_then(|()| File::open(path)?.sync_all()).and_then(|()| File::open(folder)?.sync_all());
        kept.map_err(|error| unwritable(path, &error))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(path) = self.path.take()
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!(%error, path = %path.display(), "half a backup could not be removed");
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => full(),
        _ => format!("{} ne peut pas être écrit : {error}.", path.display()),
    }
}

fn full() -> String {
    "Le disque est plein : la sauvegarde n'a pas été écrite. Faites de la place, ou choisissez un autre disque.".into()
}

fn failed(failed: &dump::Failed) -> String {
    match failed {
        dump::Failed::Foreign(Found::NeoPro1) => {
            "Cette base est celle de NeoPro 1 : sauvegardez-la avec pg_dump ou dans \
             Supabase (docs/reprise-neopro-1.md)."
                .into()
        }
        dump::Failed::Foreign(_) => {
            "Cette base ne contient rien de NeoPro. DATABASE_URL est-elle la bonne (étape 2.2 du \
             guide) ?"
                .into()
        }
        dump::Failed::NotOurs(table) => format!(
            "La table {table} appartient à un autre rôle : ses lignes pourraient manquer. Lancez la commande avec le rôle \
             qui a fait les migrations."
        ),
        dump::Failed::Database(error) => {
            format!("La base n'a pas pu être lue en entier : {error}. Rien n'a été écrit.")
        }
        dump::Failed::File(Fault::Io(error))
            if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) =>
        {
            full()
        }
        dump::Failed::File(Fault::Io(error)) => format!("La sauvegarde n'a pas pu être écrite : {error}."),
        dump::Failed::File(fault) => fault.to_string(),
    }
}

/// `restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// La sauvegarde.
    file: PathBuf,
    #[command(flatten)]
    passphrase: Passphrase,
    /// Remplace ce que la base contient. Sans lui, une base qui n'est pas vide est refusée.
    #[arg(long)]
    replace: bool,
    /// Fait tout, dit ce qui serait fait, puis annule : rien n'est modifié.
    #[arg(long)]
    dry_run: bool,
    /// Restaure même si MFA_ENCRYPTION_KEY n'est pas celle de la sauvegarde : les secrets chiffrés sont alors perdus.
    #[arg(long)]
    other_key: bool,
    /// Garde les jetons d'API de la sauvegarde. Sans lui, tous sont révoqués : on ne sait plus lesquels l'ont été depuis.
    #[arg(long)]
    keep_tokens: bool,
}

/// A file that was read and found whole, before any database is looked for.
#[derive(Debug)]
pub struct Ready {
    file: File,
    passphrase: Option<String>,
    verified: Verified,
    wish: Wish,
    other_key: bool,
}

impl Restore {
    /// Reads the whole file: nothing is written before it is known to be good.
    ///
    /// # Errors
    /// A sentence.
    pub fn open(&self) -> Result<Ready, String> {
        let ((file, passphrase), verified) = opened(&self.file, &self.passphrase, |_| {})?;
        check_schema(&verified.manifest).map_err(|failed| refusal(&failed))?;
        let wish = Wish { replace: self.replace, rehearse: self.dry_run, keep_tokens: self.keep_tokens };
        Ok(Ready { file, passphrase, verified, wish, other_key: self.other_key })
    }
}

type Opened = ((File, Option<String>), Verified);

fn opened(path: &Path, passphrase: &Passphrase, each: impl FnMut(&Needed)) -> Result<Opened, String> {
    let file = File::open(path).map_err(|error| format!("{} ne peut pas être ouvert : {error}.", path.display()))?;
    let passphrase = passphrase.read(false)?;
    let verified = verify(&file, passphrase.as_deref(), each).map_err(|fault| fault.to_string())?;
    Ok(((file, passphrase), verified))
}

impl Ready {
    /// Restores into this database. What was done.
    ///
    /// # Errors
    /// A sentence; then the database is as it was.
    pub async fn run(self, client: &Client, here: &Here) -> Result<String, String> {
        let manifest = &self.verified.manifest;
        if let Some(key) = manifest.key.as_ref().filter(|key| here.key.as_ref() != Some(key) && !self.other_key) {
            return Err(other_key(key, here));
        }
        let began = Instant::now();
        let done = load::restore(client, &self.file, self.passphrase.as_deref(), &self.verified, self.wish).await;
        match done {
            Ok(restored) => Ok(restored_words(&restored, manifest, &self.verified, self.wish, began)),
            Err(failed) => Err(refusal(&failed)),
        }
    }
}

fn other_key(key: &str, here: &Here) -> String {
    let found = here.key.as_ref().map_or_else(|| "aucune".to_owned(), |key| format!("n° {key}"));
    format!(
        "Les secrets de cette sauvegarde sont chiffrés avec la clé n° {key}, et ce serveur a : {found}. Donnez-lui la même \
         MFA_ENCRYPTION_KEY (étape 6.4 du guide), ou le fichier « mfa-encryption-key » du dossier {} d'origine. Si elle est \
         perdue, --other-key restaure le reste : chacun refait sa double authentification. Rien n'a été modifié.",
        here.data_dir.display()
    )
}

fn restored_words(done: &Restored, manifest: &Manifest, verified: &Verified, wish: Wish, began: Instant) -> String {
    let Restored { settled, schema } = done;
    let end = &verified.end;
    let first = if wish.rehearse { "Essai : la base aurait été restaurée" } else { "La base est restaurée" };
    let last = if wish.rehearse { "Rien n'a été modifié.\n" } else { "" };
    let migrated = match manifest.schema() == *schema {
        true => String::new(),
        false => format!(", mise à jour du schéma {} au schéma {schema}", manifest.schema()),
    };
    format!(
        "{first} à son état du {} : {} tables, {} lignes{migrated}, en {:.1} s.\n\
         Chacun doit se reconnecter, avec le mot de passe d'alors. Les liens de mot de passe envoyés avant ne valent plus.\n\
         {}Comptes et rôles sont ceux de la sauvegarde : un compte supprimé ou suspendu depuis est de nouveau là.\n\
         Courriels qui attendaient, abandonnés pour ne pas partir deux fois : {}.\n\
         Commandes qui attendaient, abandonnées pour ne pas être faites deux fois : {}.\n\
         Boîtiers : leur clé reste valable ; les {} sites reçoivent de nouveau ce qu'ils doivent avoir.\n\
         Fichiers attendus dans le stockage : {} ; « neopro-central storage inventory » dit lesquels manquent.\n{last}",
        manifest.made_at,
        end.tables,
        end.rows,
        began.elapsed().as_secs_f64(),
        tokens_words(&settled.tokens, wish.keep_tokens),
        settled.jobs,
        settled.commands,
        settled.sites,
        end.objects,
    )
}

/// What became of the tokens of the API, each by its name: whoever runs a program with one has to hear of it.
fn tokens_words(tokens: &[Token], are_kept: bool) -> String {
    let first = match (tokens.len(), are_kept) {
        (0, _) => return "Jetons d'API : aucun n'ouvrait quelque chose.\n".to_owned(),
        (count, false) => format!(
            "Jetons d'API révoqués : {count} (l'un d'eux a pu l'être depuis la sauvegarde). Refaites ceux dont un programme \
             a besoin ; --keep-tokens les aurait gardés."
        ),
        (count, true) => format!(
            "Jetons d'API gardés : {count}. Un jeton révoqué depuis la sauvegarde ouvre de nouveau : révoquez dans « Mon \
             compte » ceux que vous ne reconnaissez pas."
        ),
    };
    let each = tokens.iter().map(|Token { name, owner }| format!("  « {name} », de {owner}"));
    std::iter::once(first).chain(each).map(|line| line + "\n").collect()
}

fn refusal(failed: &load::Failed) -> String {
    let why = match failed {
        load::Failed::Occupied => {
            "La base n'est pas vide. Une base vide est attendue ; --replace remplace ce qu'elle contient, après l'arrêt du \
             serveur."
                .into()
        }
        load::Failed::NeoPro1 => "La base est celle de NeoPro 1, qu'une restauration ne remplace jamais.".into(),
        load::Failed::Newer(version) => format!(
            "Cette sauvegarde est d'une version plus récente de NeoPro (migration {version}, inconnue ici) : restaurez-la \
             avec cette version ou une plus récente."
        ),
        load::Failed::Different(version) => format!(
            "La migration {version} de cette sauvegarde n'est pas celle de ce programme : ils ne vont pas ensemble."
        ),
        load::Failed::NoPlace(table) => format!(
            "La table {table} de cette sauvegarde n'existe pas dans le schéma de ses migrations, ou n'a pas ces colonnes."
        ),
        load::Failed::Migration(sentence) => sentence.clone(),
        load::Failed::File(fault) => fault.to_string(),
        load::Failed::Database(error) => database(error),
    };
    format!("{why} Rien n'a été modifié.")
}

fn database(error: &Error) -> String {
    let text = error.to_string();
    if text.contains("lock timeout") {
        "La base est encore utilisée : arrêtez le serveur, puis relancez.".into()
    } else if text.contains("cannot drop") {
        format!("Un objet étranger à NeoPro dépend de ses tables ({text}) : retirez-le d'abord.")
    } else {
        format!("La base a refusé : {text}.")
    }
}
