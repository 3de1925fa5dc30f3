//! What is said of an environment. A sentence stands behind the variable's name, and holds no secret, no password and no
//! URL that somebody has set.

use super::Variable;
use crate::words::{Said, Words};

crate::words::words! {
    NODE_ENV_ON_RENDER: "non définie sur Render : le serveur démarre en mode développement ; la mettre à « production » (étape 6.4)", "not set on Render: the server starts in development mode; set it to “production” (step 6.4)", "no definida en Render: el servidor arranca en modo de desarrollo; ponla a «production» (paso 6.4)";
    NODE_ENV_OTHER: "seules valeurs admises : « production » et « development » (ou aucune)", "the only values allowed: “production” and “development” (or none)", "únicos valores admitidos: «production» y «development» (o ninguno)";
    UNREADABLE_VALUE: "la valeur contient un retour à la ligne ou un caractère illisible ; la recopier d'un seul tenant", "the value holds a line break or an unreadable character; copy it again in one piece", "el valor contiene un salto de línea o un carácter ilegible; cópialo de nuevo de una sola vez";
    PLACEHOLDER: "la valeur d'exemple n'a pas été remplacée ({list}) ; y mettre la vraie valeur", "the example's value was not replaced ({list}); put the real value there", "no se ha sustituido el valor de ejemplo ({list}); pon el valor verdadero";
    CLEANED: "{removed} autour de la valeur sont ignorés", "{removed} around the value are ignored", "se ignoran {removed} alrededor del valor";
    CLEANED_WITH: "{removed} autour de la valeur sont ignorés ({step}, forme attendue : {form})", "{removed} around the value are ignored ({step}, expected form: {form})", "se ignoran {removed} alrededor del valor ({step}, forma esperada: {form})";
    AND: "{first} et {second}", "{first} and {second}", "{first} y {second}";
    REMOVED_BLANKS: "des blancs ou des retours à la ligne", "blanks or line breaks", "espacios o saltos de línea";
    REMOVED_NAME: "le nom de la variable répété", "the repeated name of the variable", "el nombre repetido de la variable";
    REMOVED_QUOTES: "des guillemets", "quotation marks", "comillas";
    MISSING: "absente ou vide ; forme attendue : {form}", "missing or empty; expected form: {form}", "ausente o vacía; forma esperada: {form}";
    DEFAULT_USED: "non définie, « {default} » est utilisé ({step})", "not set, “{default}” is used ({step})", "no definida, se usa «{default}» ({step})";
    NOT_A_NUMBER: "un nombre entier de {least} à {most} est attendu", "a whole number from {least} to {most} is expected", "se espera un número entero de {least} a {most}";
    NOT_A_FLAG: "« true » ou « false » est attendu", "“true” or “false” is expected", "se espera «true» o «false»";

    EXAMPLE_64: "(64 caractères tirés au hasard)", "(64 characters drawn at random)", "(64 caracteres al azar)";
    EXAMPLE_32: "(32 caractères tirés au hasard)", "(32 characters drawn at random)", "(32 caracteres al azar)";
    EXAMPLE_TOKEN: "(32 caractères au hasard)", "(32 random characters)", "(32 caracteres aleatorios)";
    EXAMPLE_OLD: "(l'ancienne valeur)", "(the former value)", "(el valor anterior)";
    EXAMPLE_PROVIDER: "(fournie par l'hébergeur)", "(given by the provider)", "(la da el proveedor)";
    EXAMPLE_PASSWORD: "(mot de passe)", "(password)", "(contraseña)";

    PSQL_PASTED: "une commande psql a été collée ; garder seulement l'URL « postgresql://… »", "a psql command was pasted; keep only the URL “postgresql://…”", "se ha pegado un comando psql; deja solo la URL «postgresql://…»";
    NOT_A_DATABASE: "une URL qui commence par « postgresql:// » ou « postgres:// » est attendue (ou le mot « embedded »)", "a URL that begins with “postgresql://” or “postgres://” is expected (or the word “embedded”)", "se espera una URL que empiece por «postgresql://» o «postgres://» (o la palabra «embedded»)";
    BLANK_OR_HASH: "l'URL contient un blanc ou un « # » ; dans un mot de passe, « # » s'écrit %23 et un blanc %20", "the URL holds a blank or a “#”; in a password “#” is written %23 and a blank %20", "la URL contiene un espacio o un «#»; en una contraseña «#» se escribe %23 y un espacio %20";
    THE_USER: "le nom d'utilisateur", "the user name", "el nombre de usuario";
    THE_PASSWORD: "le mot de passe", "the password", "la contraseña";
    NO_USER: "l'utilisateur manque : « postgresql://utilisateur:mot-de-passe@hôte:port/base »", "the user is missing: “postgresql://user:password@host:port/database”", "falta el usuario: «postgresql://usuario:contraseña@host:puerto/base»";
    BAD_PORT: "le port, après l'hôte, n'est pas un nombre de 1 à 65535", "the port, behind the host, is not a number from 1 to 65535", "el puerto, tras el host, no es un número de 1 a 65535";
    NO_NAME: "le nom de la base manque ou est illisible, après le port : « …:6543/postgres »", "the database's name is missing or unreadable, behind the port: “…:6543/postgres”", "el nombre de la base falta o es ilegible, tras el puerto: «…:6543/postgres»";
    NO_PASSWORD: "le mot de passe manque : « postgresql://utilisateur:mot-de-passe@… »", "the password is missing: “postgresql://user:password@…”", "falta la contraseña: «postgresql://usuario:contraseña@…»";
    WITHOUT_PGBOUNCER: "sans « ?pgbouncer=true » à la fin : sans effet ici, ce serveur convient toujours au pooler (étape 2.2)", "without “?pgbouncer=true” at the end: of no effect here, this server always suits the pooler (step 2.2)", "sin «?pgbouncer=true» al final: sin efecto aquí, este servidor siempre se entiende con el pooler (paso 2.2)";
    STILL_IN_BRACKETS: "{part} est encore entre les crochets de l'exemple ; retirer « [ » et « ] »", "{part} is still between the example's brackets; remove “[” and “]”", "{part} sigue entre los corchetes del ejemplo; quita «[» y «]»";
    TO_BE_ENCODED: "{part} contient « {character} », qui doit y être encodé : écrire {encoded} à sa place", "{part} holds “{character}”, which has to be encoded there: write {encoded} in its place", "{part} contiene «{character}», que debe codificarse: escribe {encoded} en su lugar";
    BAD_PERCENT: "{part} contient un « % » qui n'encode rien de lisible ; « % » s'écrit %25", "{part} holds a “%” that encodes nothing readable; “%” is written %25", "{part} contiene un «%» que no codifica nada legible; «%» se escribe %25";
    NO_HOST: "l'hôte manque : « postgresql://utilisateur:mot-de-passe@hôte:port/base »", "the host is missing: “postgresql://user:password@host:port/database”", "falta el host: «postgresql://usuario:contraseña@host:puerto/base»";
    SEVERAL_HOSTS: "plusieurs hôtes séparés par des virgules ; un seul est possible", "several hosts separated by commas; only one is possible", "varios hosts separados por comas; solo es posible uno";
    BAD_HOST: "l'hôte, après « @ », est illisible ; si le mot de passe contient @ : / ? # ou %, les encoder", "the host, behind “@”, is unreadable; if the password holds @ : / ? # or %, encode them", "el host, tras «@», es ilegible; si la contraseña contiene @ : / ? # o %, codifícalos";
    BAD_PARAMETER: "un paramètre après « ? » contient un « % » illisible", "a parameter behind “?” holds an unreadable “%”", "un parámetro tras «?» contiene un «%» ilegible";
    BAD_TIMEOUT: "connect_timeout n'est pas un nombre entier de secondes", "connect_timeout is not a whole number of seconds", "connect_timeout no es un número entero de segundos";
    FOREIGN_PARAMETERS: "paramètres sans effet ici, ignorés : {names}", "parameters of no effect here, ignored: {names}", "parámetros sin efecto aquí, ignorados: {names}";
    DIRECT_HOST: "connexion directe à Supabase : cet hôte ne répond qu'en IPv6 (sauf option payante) et Render n'a que l'IPv4 ; prendre l'URL du pooler, port 6543 (étape 2.2)", "direct connection to Supabase: this host answers by IPv6 only (but for a paid option) and Render has IPv4 only; take the pooler's URL, port 6543 (step 2.2)", "conexión directa a Supabase: este host solo responde por IPv6 (salvo opción de pago) y Render solo tiene IPv4; usa la URL del pooler, puerto 6543 (paso 2.2)";
    SESSION_POOLER: "pooler en mode session (port 5432), peu de connexions ; prendre le port 6543 (étape 2.2)", "pooler in session mode (port 5432), few connections; take port 6543 (step 2.2)", "pooler en modo de sesión (puerto 5432), pocas conexiones; usa el puerto 6543 (paso 2.2)";
    POOLER_USER: "le pooler de Supabase attend l'utilisateur « postgres.<référence du projet> » (étape 2.2)", "Supabase's pooler expects the user “postgres.<project reference>” (step 2.2)", "el pooler de Supabase espera al usuario «postgres.<referencia del proyecto>» (paso 2.2)";

    BAD_SSLMODE: "sslmode : disable, prefer, require, verify-ca ou verify-full est attendu", "sslmode: disable, prefer, require, verify-ca or verify-full is expected", "sslmode: se espera disable, prefer, require, verify-ca o verify-full";
    CA_IS_NO_TEXT: "{fault} ; pour un chemin de fichier, il y a DATABASE_SSL_CA_FILE", "{fault}; for the path of a file there is DATABASE_SSL_CA_FILE", "{fault}; para la ruta de un archivo existe DATABASE_SSL_CA_FILE";
    SEVERAL_CAS: "plusieurs certificats donnés ; l'ordre est DATABASE_SSL_CA, _FILE, _PATH, le premier sert", "several certificates given; the order is DATABASE_SSL_CA, _FILE, _PATH, the first one is used", "varios certificados dados; el orden es DATABASE_SSL_CA, _FILE, _PATH, se usa el primero";
    NOT_A_PATH: "un chemin de fichier est attendu", "the path of a file is expected", "se espera la ruta de un archivo";
    NOT_A_PATH_OF_DATABASE: "un chemin de fichier est attendu ; le texte du certificat va dans DATABASE_SSL_CA", "the path of a file is expected; the certificate's text goes into DATABASE_SSL_CA", "se espera la ruta de un archivo; el texto del certificado va en DATABASE_SSL_CA";
    BAD_FILE: "le fichier {path} : {fault}", "the file {path}: {fault}", "el archivo {path}: {fault}";
    UNREADABLE_FILE: "le fichier {path} n'est pas lisible ({fault})", "the file {path} cannot be read ({fault})", "el archivo {path} no se puede leer ({fault})";
    FILE_NOT_BELIEVED: "{fault} ; seules les autorités publiques seront crues", "{fault}; only the public authorities will be believed", "{fault}; solo se creerá a las autoridades públicas";
    NO_FILE: "ce n'est pas un fichier", "it is not a file", "no es un archivo";
    LARGE_FILE: "trop grand pour des certificats", "too large for certificates", "demasiado grande para certificados";
    SYSTEM_SAYS: "{why}", "{why}", "{why}";
    PRIVATE_KEY: "contient une clé privée ; seul le certificat racine est attendu ici", "holds a private key; only the root certificate is expected here", "contiene una clave privada; aquí solo se espera el certificado raíz";
    NOT_PEM: "un certificat PEM est attendu, de « -----BEGIN CERTIFICATE----- » à « -----END CERTIFICATE----- »", "a PEM certificate is expected, from “-----BEGIN CERTIFICATE-----” to “-----END CERTIFICATE-----”", "se espera un certificado PEM, de «-----BEGIN CERTIFICATE-----» a «-----END CERTIFICATE-----»";
    PLAIN_TO_PUBLIC: "sslmode=disable n'est pas admis en production vers un hôte public : le mot de passe passerait en clair", "sslmode=disable is not allowed in production towards a public host: the password would pass in the clear", "sslmode=disable no se admite en producción hacia un host público: la contraseña pasaría sin cifrar";
    PLAIN_TO_PRIVATE: "connexion à la base en clair ; admis car l'hôte est local ou privé", "connection to the database in the clear; allowed because the host is local or private", "conexión a la base sin cifrar; se admite porque el host es local o privado";
    CA_WITHOUT_TLS: "sans effet : connexion en clair ; pour chiffrer, ajouter DATABASE_SSL=true", "of no effect: the connection is in the clear; to encrypt it add DATABASE_SSL=true", "sin efecto: la conexión no está cifrada; para cifrarla añade DATABASE_SSL=true";
    TLS_ALL_THE_SAME: "« false » est sans effet : la connexion vers cet hôte est chiffrée", "“false” is of no effect: the connection to this host is encrypted", "«false» no tiene efecto: la conexión hacia este host está cifrada";
    NO_CA: "non définie : la connexion à la base est chiffrée mais le certificat n'est pas vérifié ; télécharger le certificat racine (Supabase : Settings > Database > SSL Configuration) et le donner dans DATABASE_SSL_CA ou DATABASE_SSL_CA_FILE", "not set: the connection to the database is encrypted but the certificate is not verified; download the root certificate (Supabase: Settings > Database > SSL Configuration) and give it in DATABASE_SSL_CA or DATABASE_SSL_CA_FILE", "no definida: la conexión a la base está cifrada pero el certificado no se verifica; descarga el certificado raíz (Supabase: Settings > Database > SSL Configuration) y ponlo en DATABASE_SSL_CA o DATABASE_SSL_CA_FILE";
    NO_CA_ALTHOUGH_ASKED: "non définie : la connexion à la base est chiffrée mais le certificat n'est pas vérifié, bien que sslmode le demande ; télécharger le certificat racine (Supabase : Settings > Database > SSL Configuration) et le donner dans DATABASE_SSL_CA ou DATABASE_SSL_CA_FILE", "not set: the connection to the database is encrypted but the certificate is not verified, although sslmode asks for it; download the root certificate (Supabase: Settings > Database > SSL Configuration) and give it in DATABASE_SSL_CA or DATABASE_SSL_CA_FILE", "no definida: la conexión a la base está cifrada pero el certificado no se verifica, aunque sslmode lo pide; descarga el certificado raíz (Supabase: Settings > Database > SSL Configuration) y ponlo en DATABASE_SSL_CA o DATABASE_SSL_CA_FILE";
    NO_ROOTCERT: "le fichier de sslrootcert n'est pas un certificat PEM lisible ici ; il est ignoré", "the file of sslrootcert is not a PEM certificate that can be read here; it is ignored", "el archivo de sslrootcert no es un certificado PEM legible aquí; se ignora";

    KEY_WITHOUT_URL: "non définie alors que SUPABASE_SERVICE_KEY l'est : le stockage Supabase reste inutilisé (étape 2.3)", "not set although SUPABASE_SERVICE_KEY is: Supabase's storage stays unused (step 2.3)", "no definida aunque SUPABASE_SERVICE_KEY sí lo está: el almacenamiento de Supabase queda sin usar (paso 2.3)";
    URL_WITHOUT_KEY: "non définie alors que SUPABASE_URL l'est : le stockage Supabase reste inutilisé (étape 2.3)", "not set although SUPABASE_URL is: Supabase's storage stays unused (step 2.3)", "no definida aunque SUPABASE_URL sí lo está: el almacenamiento de Supabase queda sin usar (paso 2.3)";
    GUIDES_PROJECT: "c'est l'adresse d'exemple du guide ; y mettre celle du projet", "it is the guide's example; put the project's address there", "es la dirección de ejemplo de la guía; pon la del proyecto";
    SITE_OF_SUPABASE: "c'est l'adresse du site de Supabase ; celle du projet, « https://….supabase.co », est attendue", "it is the address of Supabase's site; that of the project, “https://….supabase.co”, is expected", "es la dirección del sitio de Supabase; se espera la del proyecto, «https://….supabase.co»";
    PATH_IGNORED: "le chemin « {path} » est ignoré ; l'adresse du projet suffit (étape 2.3)", "the path “{path}” is ignored; the project's address is enough (step 2.3)", "se ignora la ruta «{path}»; basta la dirección del proyecto (paso 2.3)";
    PUBLISHABLE_KEY: "c'est une clé publique (sb_publishable_…) ; la clé secrète ou service_role est attendue", "it is a public key (sb_publishable_…); the secret key or service_role is expected", "es una clave pública (sb_publishable_…); se espera la clave secreta o service_role";
    UNREADABLE_KEY: "clé illisible, peut-être coupée ; une clé « eyJ… » en trois parties séparées par des points, ou « sb_secret_… », est attendue", "unreadable key, perhaps cut off; a key “eyJ…” in three parts separated by dots, or “sb_secret_…”, is expected", "clave ilegible, quizá cortada; se espera una clave «eyJ…» en tres partes separadas por puntos, o «sb_secret_…»";
    ANON_KEY: "c'est la clé anon, publique ; copier la clé service_role", "it is the anon key, which is public; copy the service_role key", "es la clave anon, pública; copia la clave service_role";
    OTHER_KEY: "cette clé n'a pas le rôle service_role ; copier la clé service_role", "this key does not have the role service_role; copy the service_role key", "esta clave no tiene el rol service_role; copia la clave service_role";
    EXPIRED_KEY: "cette clé a expiré ; en copier une nouvelle", "this key has expired; copy a new one", "esta clave ha caducado; copia una nueva";
    SEVERAL_PROJECTS: "les valeurs viennent de projets Supabase différents : {list} (étape 2.4)", "the values come from different projects of Supabase: {list} (step 2.4)", "los valores vienen de proyectos distintos de Supabase: {list} (paso 2.4)";
    PROJECT_OF: "« {project} » dans {variable}", "“{project}” in {variable}", "«{project}» en {variable}";
    LIST: "{a}, {b}", "{a}, {b}", "{a}, {b}";

    REDIS_CA_WITHOUT_TLS: "sans effet : la connexion à Redis est en clair ; « rediss:// » la chiffre (étape 4.3)", "of no effect: the connection to Redis is in the clear; “rediss://” encrypts it (step 4.3)", "sin efecto: la conexión con Redis no está cifrada; «rediss://» la cifra (paso 4.3)";
    REDIS_FORM: "{what} ; forme attendue : rediss://default:<jeton>@<nom>.upstash.io:6379", "{what}; expected form: rediss://default:<token>@<name>.upstash.io:6379", "{what}; forma esperada: rediss://default:<token>@<nombre>.upstash.io:6379";
    REDIS_CLI_PASTED: "une commande redis-cli a été collée ; garder seulement l'URL", "a redis-cli command was pasted; keep only the URL", "se ha pegado un comando redis-cli; deja solo la URL";
    REDIS_BLANK: "l'URL contient un blanc ou un guillemet", "the URL holds a blank or a quotation mark", "la URL contiene un espacio o una comilla";
    REDIS_NO_SCHEME: "le début « rediss:// » manque", "the beginning “rediss://” is missing", "falta el comienzo «rediss://»";
    REDIS_REST: "c'est l'adresse REST ; l'URL Redis, qui commence par « rediss:// », est attendue", "it is the REST address; the Redis URL, which begins with “rediss://”, is expected", "es la dirección REST; se espera la URL de Redis, que empieza por «rediss://»";
    REDIS_SCHEME: "l'URL doit commencer par « redis:// » ou « rediss:// »", "the URL has to begin with “redis://” or “rediss://”", "la URL debe empezar por «redis://» o «rediss://»";
    REDIS_ENCODE: "le mot de passe contient « {character} » ; écrire {encoded} à sa place", "the password holds “{character}”; write {encoded} in its place", "la contraseña contiene «{character}»; escribe {encoded} en su lugar";
    REDIS_HOST: "l'hôte ou le port, après « @ », est illisible", "the host or the port, behind “@”, is unreadable", "el host o el puerto, tras «@», es ilegible";
    REDIS_END: "la fin de l'URL, après le port, est illisible", "the end of the URL, behind the port, is unreadable", "el final de la URL, tras el puerto, es ilegible";
    UPSTASH_PLAIN: "Upstash n'accepte que des connexions chiffrées : « rediss:// » est utilisé ; corriger l'URL (étape 4.3)", "Upstash takes encrypted connections only: “rediss://” is used; correct the URL (step 4.3)", "Upstash solo acepta conexiones cifradas: se usa «rediss://»; corrige la URL (paso 4.3)";
    REDIS_PLAIN: "connexion en clair vers un hôte public ; « rediss:// » la chiffre (étape 4.3)", "connection in the clear to a public host; “rediss://” encrypts it (step 4.3)", "conexión sin cifrar hacia un host público; «rediss://» la cifra (paso 4.3)";

    STORAGE_WORD: "valeurs admises : « supabase », « s3 » et « local »", "values allowed: “supabase”, “s3” and “local”", "valores admitidos: «supabase», «s3» y «local»";
    STORAGE_NEEDS_SUPABASE: "« supabase » demande SUPABASE_URL et SUPABASE_SERVICE_KEY (étape 2.3)", "“supabase” asks for SUPABASE_URL and SUPABASE_SERVICE_KEY (step 2.3)", "«supabase» requiere SUPABASE_URL y SUPABASE_SERVICE_KEY (paso 2.3)";
    STORAGE_NEEDS_S3: "« s3 » demande S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY_ID et S3_SECRET_ACCESS_KEY", "“s3” asks for S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY", "«s3» requiere S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY_ID y S3_SECRET_ACCESS_KEY";
    S3_INCOMPLETE: "manque, alors que d'autres variables S3_… sont définies", "is missing, although other variables S3_… are set", "falta, aunque otras variables S3_… están definidas";
    S3_BUCKET_NAME: "nom de bucket illisible : 3 à 63 lettres minuscules, chiffres, points et tirets", "unreadable name of a bucket: 3 to 63 small letters, digits, dots and dashes", "nombre de bucket ilegible: de 3 a 63 letras minúsculas, cifras, puntos y guiones";
    S3_BLANK_KEY: "la clé contient un blanc ; la copier de nouveau", "the key holds a blank; copy it again", "la clave contiene un espacio; cópiala de nuevo";

    ADDRESS: "l'adresse {fault}", "the address {fault}", "la dirección {fault}";
    NTH_ADDRESS: "l'adresse n° {number} {fault}", "address no. {number} {fault}", "la dirección n.º {number} {fault}";
    NOT_HTTPS: "doit commencer par « https:// »", "has to begin with “https://”", "debe empezar por «https://»";
    WITH_LOGIN: "ne doit contenir ni nom ni mot de passe devant « @ »", "must hold neither a name nor a password before “@”", "no debe contener ni nombre ni contraseña ante «@»";
    WITH_QUERY: "ne doit contenir ni « ? » ni « # »", "must hold neither “?” nor “#”", "no debe contener ni «?» ni «#»";
    WITH_ACCENTS: "doit donner le nom de domaine sans accents, dans sa forme « xn--… »", "has to give the domain's name without accents, in its form “xn--…”", "debe dar el nombre de dominio sin acentos, en su forma «xn--…»";
    WITHOUT_HOST: "ne contient pas un nom d'hôte lisible", "does not hold a readable host name", "no contiene un nombre de host legible";
    WITH_BAD_PORT: "contient un port illisible", "holds an unreadable port", "contiene un puerto ilegible";
    WITH_PATH: "contient un chemin ; écrire seulement {origin}", "holds a path; write only {origin}", "contiene una ruta; escribe solo {origin}";
    WITH_STAR: "contient « * » ; écrire chaque adresse en entier", "holds “*”; write each address in full", "contiene «*»; escribe cada dirección entera";
    BEGINS_WITH_HTTP: "commence par http:// ; écrire https://{host}", "begins with http://; write https://{host}", "empieza por http://; escribe https://{host}";
    HTTPS_NEEDED: "https:// est nécessaire en production", "https:// is needed in production", "https:// es necesario en producción";
    HTTP_TO_PRIVATE: "adresse en http:// ; admis car l'hôte est local ou privé", "address with http://; allowed because the host is local or private", "dirección con http://; se admite porque el host es local o privado";
    OTHER_PORT: "{port} ; le guide écrit 3001, tout autre port convient (étape 6.4)", "{port}; the guide writes 3001, any other port will do (step 6.4)", "{port}; la guía escribe 3001, cualquier otro puerto sirve (paso 6.4)";
    NOT_A_PORT: "un nombre entier de 1 à 65535 est attendu, par exemple 3001", "a whole number from 1 to 65535 is expected, for example 3001", "se espera un número entero de 1 a 65535, por ejemplo 3001";
    LIMITS_OFF: "« off » : aucune limite d'appels n'est appliquée ; réserver cette valeur aux mesures", "“off”: no limit of calls is kept; leave this value to measurements", "«off»: no se aplica ningún límite de llamadas; reserva este valor para las mediciones";
    NOT_ON_OR_OFF: "« on » ou « off » est attendu", "“on” or “off” is expected", "se espera «on» u «off»";
    NO_ORIGINS: "non définie : aucun tableau de bord hébergé ailleurs ne peut joindre ce serveur ; y mettre son adresse (étape 7.6)", "not set: no dashboard that is hosted elsewhere can reach this server; put its address there (step 7.6)", "no definida: ningún panel alojado en otro sitio puede llegar a este servidor; pon su dirección (paso 7.6)";
    SLASH_AT_THE_END: "l'adresse n° {number} finit par « / » ; admis, la forme est https://monsite.com", "address no. {number} ends in “/”; allowed, the form is https://monsite.com", "la dirección n.º {number} acaba en «/»; se admite, la forma es https://monsite.com";
    RENDER_URL_IGNORED: "ignorée : elle {fault}", "ignored: it {fault}", "ignorada: {fault}";
    NO_PUBLIC_URL: "non définie : les liens vers ce serveur manqueront dans les courriels et les rapports ; y mettre son adresse publique (étape 6.7)", "not set: links to this server will be missing in mails and reports; put its public address there (step 6.7)", "no definida: faltarán los enlaces a este servidor en correos e informes; pon su dirección pública (paso 6.7)";

    SHORT_SECRET: "{length} caractères ; 64 sont conseillés, à créer avec : openssl rand -base64 48 (étape 6.4)", "{length} characters; 64 are advised, made with: openssl rand -base64 48 (step 6.4)", "{length} caracteres; se aconsejan 64, creados con: openssl rand -base64 48 (paso 6.4)";
    SAME_AS_PRESENT: "même valeur que MFA_ENCRYPTION_KEY : sans effet, elle peut être retirée", "the same value as MFA_ENCRYPTION_KEY: of no effect, it may be removed", "mismo valor que MFA_ENCRYPTION_KEY: sin efecto, puede quitarse";
    PREVIOUS_ALONE: "sans effet utile tant que MFA_ENCRYPTION_KEY n'est pas définie", "of no use as long as MFA_ENCRYPTION_KEY is not set", "sin utilidad mientras MFA_ENCRYPTION_KEY no esté definida";
    SAME_AS_JWT: "même valeur que JWT_SECRET ; créer une seconde valeur, différente", "the same value as JWT_SECRET; make a second, different value", "mismo valor que JWT_SECRET; crea un segundo valor, distinto";
    PUBLISHED: "c'est l'exemple imprimé dans le guide, connu de tous ; créer sa propre valeur", "it is the example printed in the guide, which everybody knows; make a value of your own", "es el ejemplo impreso en la guía, que todos conocen; crea su propio valor";
    TOO_SHORT: "trop courte : {length} caractères, 32 au moins sont nécessaires", "too short: {length} characters, at least 32 are needed", "demasiado corta: {length} caracteres, se necesitan al menos 32";
    OBVIOUS: "valeur facile à deviner ; en créer une au hasard", "a value that is easy to guess; make one at random", "valor fácil de adivinar; crea uno al azar";
    REFUSED_IN_PRODUCTION: "{weakness} (refusée en production)", "{weakness} (refused in production)", "{weakness} (se rechaza en producción)";
    BAD_LIFE: "la durée doit être plus longue que zéro et de 90 jours au plus (90d)", "the duration has to be longer than zero and 90 days at most (90d)", "la duración debe ser mayor que cero y de 90 días como máximo (90d)";
    UNREADABLE_LIFE: "durée illisible ; un nombre entier suivi de s, m, h, d ou w est attendu, par exemple 7d ou 12h", "unreadable duration; a whole number followed by s, m, h, d or w is expected, for example 7d or 12h", "duración ilegible; se espera un número entero seguido de s, m, h, d o w, por ejemplo 7d o 12h";
    COLON_IN_ISSUER: "« : » n'est pas admis : il sépare le nom du compte dans le code QR", "“:” is not allowed: it separates the account's name in the QR code", "«:» no se admite: separa el nombre de la cuenta en el código QR";

    MAIL_ELSE_SET: "non définie alors que d'autres réglages de courriel le sont : les courriels sont désactivés", "not set although other settings of mail are: mail is off", "no definida aunque otros ajustes de correo sí lo están: el correo está desactivado";
    MAIL_UNSET: "non définie : les courriels sont désactivés (partie « Alertes par email »)", "not set: mail is off (part “Alerts by e-mail (SendGrid)”)", "no definida: el correo está desactivado (parte «Alertas por correo (SendGrid)»)";
    SMTP_HOST: "un nom d'hôte est attendu, sans « smtp:// » ni port", "a host name is expected, without “smtp://” and without a port", "se espera un nombre de host, sin «smtp://» ni puerto";
    FROM_UNSET_FOR: "non définie alors que {other} l'est : les courriels sont désactivés", "not set although {other} is: mail is off", "no definida aunque {other} sí lo está: el correo está desactivado";
    FROM_UNSET_FOR_SENDGRID: "non définie alors que SENDGRID_API_KEY l'est : les courriels sont désactivés (partie « Alertes par email »)", "not set although SENDGRID_API_KEY is: mail is off (part “Alerts by e-mail (SendGrid)”)", "no definida aunque SENDGRID_API_KEY sí lo está: el correo está desactivado (parte «Alertas por correo (SendGrid)»)";
    NOT_OF_SENDGRID: "une clé SendGrid commence par « SG. » : les courriels sont désactivés (partie « Alertes par email »)", "a key of SendGrid begins with “SG.”: mail is off (part “Alerts by e-mail (SendGrid)”)", "una clave de SendGrid empieza por «SG.»: el correo está desactivado (parte «Alertas por correo (SendGrid)»)";
    BAD_SENDER: "adresse illisible, « nom@domaine.fr » ou « Nom <nom@domaine.fr> » est attendu : les courriels sont désactivés", "unreadable address, “name@domain.com” or “Name <name@domain.com>” is expected: mail is off", "dirección ilegible, se espera «nombre@dominio.es» o «Nombre <nombre@dominio.es>»: el correo está desactivado";
    SLACK_ELSE_SET: "non définie alors que d'autres réglages de Slack le sont : aucune alerte ne part vers Slack", "not set although other settings of Slack are: no alert goes to Slack", "no definida aunque otros ajustes de Slack sí lo están: ninguna alerta sale hacia Slack";
    NOT_OF_SLACK: "l'hôte n'est pas hooks.slack.com ; admis pour un service compatible", "the host is not hooks.slack.com; allowed for a compatible service", "el host no es hooks.slack.com; se admite para un servicio compatible";
    LOGTAIL_HOST_ALONE: "non définie alors que LOGTAIL_HOST l'est : rien n'est envoyé à Logtail", "not set although LOGTAIL_HOST is: nothing is sent to Logtail", "no definida aunque LOGTAIL_HOST sí lo está: no se envía nada a Logtail";
    METRICS_WORD: "seules « true » et « 1 » activent les métriques ; elles restent désactivées", "only “true” and “1” switch metrics on; they stay off", "solo «true» y «1» activan las métricas; siguen desactivadas";
    METRICS_WITHOUT_TOKEN: "non définie alors que METRICS_ENABLED l'est : /metrics ne montre que les chiffres d'ensemble du parc, à tous ; avec un jeton il montre tout, à qui le présente", "not set although METRICS_ENABLED is: /metrics shows only the figures of the whole fleet, to everybody; with a token it shows everything, to whoever presents it", "no definida aunque METRICS_ENABLED sí lo está: /metrics muestra solo las cifras globales del parque, a todos; con un token muestra todo, a quien lo presenta";
    LOG_LEVEL: "illisible, « info » est utilisé ; error, warn, info, debug, trace ou off est attendu", "unreadable, “info” is used; error, warn, info, debug, trace or off is expected", "ilegible, se usa «info»; se espera error, warn, info, debug, trace u off";

    NO_HOME: "ni elle ni HOME ne sont définies : {folder} est utilisé", "neither it nor HOME is set: {folder} is used", "ni ella ni HOME están definidas: se usa {folder}";
    TILDE: "« ~ » n'est pas remplacé ici ; écrire le chemin complet", "“~” is not replaced here; write the whole path", "«~» no se sustituye aquí; escribe la ruta completa";
    BAD_PATH: "chemin illisible ; écrire le chemin complet", "unreadable path; write the whole path", "ruta ilegible; escribe la ruta completa";
}

/// The form in which a variable is written, as the guide prints it; what it says in words is said in each language.
pub(super) fn form(variable: &Variable) -> Said {
    const SPOKEN: [Words; 6] = [EXAMPLE_64, EXAMPLE_32, EXAMPLE_TOKEN, EXAMPLE_OLD, EXAMPLE_PROVIDER, EXAMPLE_PASSWORD];
    let spoken = SPOKEN.into_iter().find(|words| words.fr == variable.example);
    spoken.map_or_else(|| as_it_is(variable.example), Said::new)
}

/// Somebody else's words, or ones that are the same everywhere.
pub(super) fn as_it_is(text: impl ToString) -> Said {
    Said::new(SYSTEM_SAYS).with("why", text)
}

/// One of these behind the other, in pairs of words.
pub(super) fn joined(words: Words, (one, other): (&'static str, &'static str), list: Vec<Said>) -> Said {
    let mut list = list.into_iter().rev();
    let last = list.next().unwrap_or_else(|| as_it_is(""));
    list.fold(last, |rest, first| Said::new(words).with_words(one, first).with_words(other, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::VARIABLES;

    #[test]
    fn every_sentence_about_the_environment_is_there_in_three_languages() {
        assert!(ALL.len() > 110, "{}", ALL.len());
        crate::words::tests::complete(ALL);
    }

    #[test]
    fn a_form_that_is_said_in_words_is_said_in_every_language() {
        // What stands in round brackets is a description.
        let described = VARIABLES.iter().filter(|variable| variable.example.starts_with('('));
        for variable in described {
            let said = form(variable);
            assert_eq!(said.french(), variable.example);
            assert_ne!(said.text(crate::language::Language::En), variable.example, "{}", variable.name);
        }
    }
}
