//! The names of groups and checks.

crate::words::words! {
    GROUP_ENVIRONMENT: "Environnement", "Environment", "Entorno";
    GROUP_DATABASE: "Base de données", "Database", "Base de datos";
    GROUP_ACCOUNTS: "Comptes", "Accounts", "Cuentas";
    GROUP_STORAGE: "Stockage des vidéos", "Video storage", "Almacenamiento de vídeos";
    GROUP_REDIS: "Redis", "Redis", "Redis";
    GROUP_MAIL: "Courriels", "E-mail", "Correo";
    GROUP_SLACK: "Slack", "Slack", "Slack";
    GROUP_LOGS: "Journaux (Logtail)", "Logs (Logtail)", "Registros (Logtail)";
    GROUP_OUTSIDE: "Accès depuis l'extérieur", "Access from outside", "Acceso desde el exterior";
    GROUP_DASHBOARD: "Tableau de bord", "Dashboard", "Panel";
    GROUP_MACHINE: "Machine", "Host", "Máquina";

    STATE_OK: "ok", "ok", "ok";
    STATE_WARNING: "avertissement", "warning", "aviso";
    STATE_ERROR: "erreur", "error", "error";
    STATE_NOT_CHECKED: "non vérifié", "not checked", "sin comprobar";

    TITLE_VARIABLES: "Variables d'environnement", "Environment variables", "Variables de entorno";
    TITLE_REPLICAS_SECRETS: "Secrets des autres instances", "Secrets of the other replicas", "Secretos de las otras instancias";
    TITLE_REPLICAS_VERSIONS: "Version des autres instances", "Version of the other replicas", "Versión de las otras instancias";
    TITLE_DATABASE_SETTINGS: "Réglages de la base", "Database settings", "Ajustes de la base";
    TITLE_DATABASE_CONNECTION: "Connexion à la base", "Connection to the database", "Conexión a la base";
    TITLE_DATABASE_TLS: "Chiffrement de la connexion", "Encryption of the connection", "Cifrado de la conexión";
    TITLE_DATABASE_LOGIN: "Rôle de connexion", "Login role", "Rol de conexión";
    TITLE_DATABASE_ROLE: "Rôle de l'application", "Role of the application", "Rol de la aplicación";
    TITLE_DATABASE_SCHEMA: "Version du schéma", "Version of the schema", "Versión del esquema";
    TITLE_DATABASE_DRIFT: "Objets du schéma", "Objects of the schema", "Objetos del esquema";
    TITLE_DATABASE_WALLS: "Sécurité au niveau des lignes", "Row-level security", "Seguridad por filas";
    TITLE_DATABASE_OUTSIDERS: "Droits de l'API de données", "Rights of the data API", "Permisos de la API de datos";
    TITLE_DATABASE_WRITES: "Écriture", "Writing", "Escritura";
    TITLE_DATABASE_SIZE: "Taille de la base", "Size of the database", "Tamaño de la base";
    TITLE_DATABASE_CONNECTIONS: "Connexions ouvertes", "Open connections", "Conexiones abiertas";
    TITLE_DATABASE_CLOCK: "Horloge", "Clock", "Reloj";
    TITLE_DATABASE_ACTIVITY: "Activité du projet", "Activity of the project", "Actividad del proyecto";
    TITLE_ACCOUNTS_ADMIN: "Administrateur", "Administrator", "Administrador";
    TITLE_ACCOUNTS_HASHES: "Mots de passe des comptes", "Passwords of accounts", "Contraseñas de las cuentas";
    TITLE_STORAGE_SETTINGS: "Réglages du stockage", "Storage settings", "Ajustes del almacenamiento";
    TITLE_STORAGE_BUCKET: "Bucket", "Bucket", "Bucket";
    TITLE_STORAGE_WRITE: "Règle d'écriture", "Write policy", "Política de escritura";
    TITLE_STORAGE_READ: "Règle de lecture publique", "Public read policy", "Política de lectura pública";
    TITLE_STORAGE_CLOSED: "Écriture sans clé", "Writing without a key", "Escritura sin clave";
    TITLE_STORAGE_PAGES: "Envoi depuis le tableau de bord", "Sending from the dashboard", "Envío desde el panel";
    TITLE_STORAGE_OBJECT: "Taille d'un fichier", "Size of one file", "Tamaño de un archivo";
    TITLE_STORAGE_ROOM: "Place de l'offre", "Room of the plan", "Espacio del plan";
    TITLE_STORAGE_TRAFFIC: "Trafic du mois", "Traffic of the month", "Tráfico del mes";
    TITLE_REDIS_SETTINGS: "Réglages de Redis", "Redis settings", "Ajustes de Redis";
    TITLE_REDIS_PING: "Réponse de Redis", "Answer of Redis", "Respuesta de Redis";
    TITLE_MAIL_SETTINGS: "Réglages des courriels", "E-mail settings", "Ajustes del correo";
    TITLE_MAIL_WAY: "Service d'envoi", "Sending service", "Servicio de envío";
    TITLE_MAIL_QUEUE: "Courriels en attente", "Waiting mails", "Correos en espera";
    TITLE_SLACK_WEBHOOK: "Webhook", "Webhook", "Webhook";
    TITLE_LOGS_SETTINGS: "Source Logtail", "Logtail source", "Fuente de Logtail";
    TITLE_LOGS_HOST: "Hôte d'ingestion", "Ingesting host", "Host de ingesta";
    TITLE_OUTSIDE_HEALTH: "/health depuis l'extérieur", "/health from outside", "/health desde el exterior";
    TITLE_OUTSIDE_READY: "/live et /ready", "/live and /ready", "/live y /ready";
    TITLE_OUTSIDE_DOCS: "Documentation de l'API", "API documentation", "Documentación de la API";
    TITLE_OUTSIDE_MONITOR: "Surveillance (HEAD /health)", "Monitoring (HEAD /health)", "Vigilancia (HEAD /health)";
    TITLE_OUTSIDE_PROXIES: "Proxys devant le serveur", "Proxies in front of the server", "Proxys ante el servidor";
    TITLE_DASHBOARD_SETTINGS: "Origines autorisées", "Allowed origins", "Orígenes permitidos";
    TITLE_DASHBOARD_PAGE: "Page du tableau de bord", "Page of the dashboard", "Página del panel";
    TITLE_DASHBOARD_BUILD: "Version et adresse de l'API", "Version and API address", "Versión y dirección de la API";
    TITLE_DASHBOARD_CORS: "Réponse aux origines (CORS)", "Answer to origins (CORS)", "Respuesta a los orígenes (CORS)";
    TITLE_MACHINE_FOLDER: "Dossier de données", "Data folder", "Carpeta de datos";
    TITLE_MACHINE_DISK: "Place sur le disque", "Room on the disk", "Espacio en el disco";
}
