//! What is said of the storage, Redis, mail, Slack and logs.

super::words! {
    STORAGE_LOCAL: "Les vidéos sont dans le dossier de données de cette machine.", "Videos are in this machine's data folder.", "Los vídeos están en la carpeta de datos de esta máquina.";
    STORAGE_LOCAL_ON_RENDER: "Les vidéos sont sur le disque d'un service Render : elles disparaissent à chaque redéploiement, et chaque envoi compte dans le trafic mesuré.", "Videos are on the disk of a Render service: they vanish at each redeployment, and each transfer counts in the metered traffic.", "Los vídeos están en el disco de un servicio de Render: desaparecen en cada despliegue, y cada envío cuenta en el tráfico medido.";
    MEND_LOCAL_ON_RENDER: "Configurez SUPABASE_URL et SUPABASE_SERVICE_KEY, puis lancez « neopro-central storage copy ».", "Set SUPABASE_URL and SUPABASE_SERVICE_KEY, then run “neopro-central storage copy”.", "Configura SUPABASE_URL y SUPABASE_SERVICE_KEY, y ejecuta «neopro-central storage copy».";
    BUCKET_OK: "Le bucket est là, et public.", "The bucket is there, and public.", "El bucket existe y es público.";
    BUCKET_MISSING: "Le bucket n'existe pas.", "The bucket does not exist.", "El bucket no existe.";
    MEND_BUCKET_MISSING: "Créez ce bucket, public ; le serveur le crée aussi à son démarrage quand la clé le permet.", "Create this bucket, public; the server also makes it when it starts, if the key allows it.", "Crea este bucket, público; el servidor también lo crea al arrancar si la clave lo permite.";
    BUCKET_PRIVATE: "Le bucket est privé : les boîtiers ne peuvent pas y lire.", "The bucket is private: boxes cannot read from it.", "El bucket es privado: los equipos no pueden leer en él.";
    MEND_BUCKET_PRIVATE: "Rendez le bucket public dans Supabase (Storage > le bucket > Edit).", "Make the bucket public in Supabase (Storage > the bucket > Edit).", "Haz público el bucket en Supabase (Storage > el bucket > Edit).";
    STORAGE_AWAY: "Le stockage ne répond pas ({why}).", "The storage does not answer ({why}).", "El almacenamiento no responde ({why}).";
    MEND_STORAGE_AWAY: "Regardez l'état du projet dans Supabase, et SUPABASE_URL.", "Look at the state of the project in Supabase, and at SUPABASE_URL.", "Mira el estado del proyecto en Supabase, y SUPABASE_URL.";
    STORAGE_PAUSED: "Le projet Supabase est en pause.", "The Supabase project is paused.", "El proyecto de Supabase está en pausa.";
    MEND_STORAGE_PAUSED: "Relancez le projet dans le tableau de bord de Supabase.", "Resume the project in Supabase's dashboard.", "Reanude el proyecto en el panel de Supabase.";
    STORAGE_KEY: "Le stockage refuse la clé de ce serveur.", "The storage refuses this server's key.", "El almacenamiento rechaza la clave de este servidor.";
    MEND_STORAGE_KEY: "Recopiez SUPABASE_SERVICE_KEY (clé service_role ou sb_secret_…).", "Copy SUPABASE_SERVICE_KEY again (service_role or sb_secret_… key).", "Vuelve a copiar SUPABASE_SERVICE_KEY (clave service_role o sb_secret_…).";
    STORAGE_PROJECT: "Aucun projet ne répond à SUPABASE_URL.", "No project answers at SUPABASE_URL.", "Ningún proyecto responde en SUPABASE_URL.";
    MEND_STORAGE_PROJECT: "Recopiez SUPABASE_URL.", "Copy SUPABASE_URL again.", "Vuelve a copiar SUPABASE_URL.";
    STORAGE_FULL: "La limite de l'offre est atteinte (place ou trafic du mois).", "The plan's limit is reached (room or traffic of the month).", "Se alcanzó el límite del plan (espacio o tráfico del mes).";
    MEND_STORAGE_FULL: "Supprimez des vidéos, attendez le mois prochain, ou changez d'offre chez Supabase.", "Delete videos, wait for the next month, or change the plan at Supabase.", "Borra vídeos, espera al mes que viene o cambia de plan en Supabase.";
    STORAGE_ODD: "Réponse inattendue du stockage : {why}.", "Unexpected answer of the storage: {why}.", "Respuesta inesperada del almacenamiento: {why}.";
    WRITE_OK: "Le serveur y écrit et y supprime.", "The server writes to it and deletes from it.", "El servidor escribe y borra en él.";
    WRITE_REFUSED: "Le serveur ne peut pas y écrire : {why}.", "The server cannot write to it: {why}.", "El servidor no puede escribir en él: {why}.";
    MEND_WRITE: "Ajoutez la règle « Allow service upload » : INSERT, auth.role() = 'service_role'.", "Add the policy “Allow service upload”: INSERT, auth.role() = 'service_role'.", "Añade la política «Allow service upload»: INSERT, auth.role() = 'service_role'.";
    READ_OK: "Ce qui y est écrit se lit sans clé, comme le font les boîtiers.", "What is written there is read without a key, as boxes do.", "Lo que se escribe en él se lee sin clave, como hacen los equipos.";
    READ_REFUSED: "La lecture publique est refusée : {why}.", "Public reading is refused: {why}.", "La lectura pública se rechaza: {why}.";
    MEND_READ: "Ajoutez la règle « Allow public read » : SELECT, true.", "Add the policy “Allow public read”: SELECT, true.", "Añade la política «Allow public read»: SELECT, true.";
    CLOSED_OK: "Sans la clé, l'écriture est refusée.", "Without the key, writing is refused.", "Sin la clave, la escritura se rechaza.";
    CLOSED_NOT: "N'importe qui peut y écrire sans clé.", "Anybody may write to it without a key.", "Cualquiera puede escribir en él sin clave.";
    MEND_CLOSED: "Limitez la règle INSERT à auth.role() = 'service_role'.", "Limit the INSERT policy to auth.role() = 'service_role'.", "Limite la política INSERT a auth.role() = 'service_role'.";
    NOT_TRIED: "Pas essayé.", "Not tried.", "No se ha probado.";
    DISK_REFUSED: "Cette machine n'a pas pu préparer le fichier d'essai : {why}.", "This machine could not prepare the file to try with: {why}.", "Esta máquina no pudo preparar el archivo de prueba: {why}.";
    OBJECT_LIMIT: "{most} Mo au plus par fichier ; une vidéo plus lourde est refusée avant d'être envoyée.", "{most} MB at most for one file; a larger video is refused before it is sent.", "{most} MB como máximo por archivo; un vídeo más pesado se rechaza antes de enviarse.";
    OBJECT_UNKNOWN: "Le bucket ne donne pas de limite ; celle du projet (50 Mo sur l'offre gratuite) est demandée avant chaque grand envoi.", "The bucket states no limit; that of the project (50 MB on the free plan) is asked for before each large transfer.", "El bucket no indica límite; el del proyecto (50 MB en el plan gratuito) se pregunta antes de cada envío grande.";
    PLAN_OK: "{used} Mo sur {most} Mo.", "{used} MB of {most} MB.", "{used} MB de {most} MB.";
    PLAN_NONE: "{used} Mo, sans limite connue.", "{used} MB, without a known limit.", "{used} MB, sin límite conocido.";

    REDIS_NONE: "Redis n'est pas configuré : avec une seule instance, rien ne manque.", "Redis is not configured: with a single replica nothing is missing.", "Redis no está configurado: con una sola instancia no falta nada.";
    REDIS_PONG: "PONG en {ms} ms ({address}).", "PONG in {ms} ms ({address}).", "PONG tras {ms} ms ({address}).";
    REDIS_UNKNOWN_HOST: "L'hôte de REDIS_URL n'existe pas ({address}).", "The host of REDIS_URL does not exist ({address}).", "El host de REDIS_URL no existe ({address}).";
    REDIS_REFUSED: "Connection refused : rien n'écoute à {address}.", "Connection refused: nothing listens at {address}.", "Connection refused: nada escucha en {address}.";
    REDIS_SILENT: "{address} ne répond pas.", "{address} does not answer.", "{address} no responde.";
    REDIS_AUTH: "Redis refuse le mot de passe (jeton) de REDIS_URL.", "Redis refuses the password (token) of REDIS_URL.", "Redis rechaza la contraseña (token) de REDIS_URL.";
    REDIS_WANTS_TLS: "{address} attend une connexion chiffrée.", "{address} expects an encrypted connection.", "{address} espera una conexión cifrada.";
    REDIS_IS_PLAIN: "{address} accepte la connexion mais ne parle pas TLS.", "{address} takes the connection but does not speak TLS.", "{address} acepta la conexión pero no habla TLS.";
    REDIS_TLS: "Le certificat de {address} est refusé : {why}.", "The certificate of {address} is refused: {why}.", "El certificado de {address} se rechaza: {why}.";
    REDIS_ODD: "{address} ne répond pas comme Redis : {why}.", "{address} does not answer like Redis: {why}.", "{address} no responde como Redis: {why}.";
    MEND_REDIS: "Recopiez REDIS_URL (onglet Details d'Upstash). Sans Redis le serveur fonctionne ; les autres instances apprennent les changements avec du retard. Essai à la main : redis-cli -u \"<REDIS_URL>\" ping", "Copy REDIS_URL again (tab Details of Upstash). Without Redis the server works; other replicas hear of changes late. By hand: redis-cli -u \"<REDIS_URL>\" ping", "Vuelve a copiar REDIS_URL (pestaña Details de Upstash). Sin Redis el servidor funciona; las otras instancias se enteran tarde de los cambios. A mano: redis-cli -u \"<REDIS_URL>\" ping";
    MEND_REDIS_CA: "Donnez le certificat racine de Redis dans REDIS_SSL_CA_FILE, ou vérifiez l'hôte de REDIS_URL.", "Give the root certificate of Redis in REDIS_SSL_CA_FILE, or check the host of REDIS_URL.", "Pon el certificado raíz de Redis en REDIS_SSL_CA_FILE, o comprueba el host de REDIS_URL.";
    MEND_REDIS_TLS: "Commencez REDIS_URL par « rediss:// ».", "Begin REDIS_URL with “rediss://”.", "Empiece REDIS_URL por «rediss://».";
    MEND_REDIS_PLAIN: "Commencez REDIS_URL par « redis:// », si ce réseau est privé.", "Begin REDIS_URL with “redis://”, if this network is private.", "Empiece REDIS_URL por «redis://», si esta red es privada.";

    MAIL_OFF: "Les courriels ne sont pas configurés.", "Mail is not configured.", "El correo no está configurado.";
    MAIL_FILES: "Mode développement : les courriels sont écrits dans le dossier « mail » des données.", "Development mode: mails are written into the folder “mail” of the data.", "Modo de desarrollo: los correos se escriben en la carpeta «mail» de los datos.";
    SENDGRID_OK: "SendGrid accepte la clé et l'expéditeur {from} (essai sans envoi). Offre gratuite : 100 courriels par jour, limitée dans le temps pour les nouveaux comptes.", "SendGrid takes the key and the sender {from} (tried without sending). Free plan: 100 mails a day, limited in time for new accounts.", "SendGrid acepta la clave y el remitente {from} (prueba sin envío). Plan gratuito: 100 correos al día, limitado en el tiempo para cuentas nuevas.";
    SENDGRID_KEY: "SendGrid refuse la clé : {why}.", "SendGrid refuses the key: {why}.", "SendGrid rechaza la clave: {why}.";
    MEND_SENDGRID_KEY: "Créez une clé « Mail Send » et recopiez-la en entier dans SENDGRID_API_KEY ; elle commence par « SG. ».", "Make a “Mail Send” key and copy it whole into SENDGRID_API_KEY; it begins with “SG.”.", "Crea una clave «Mail Send» y cópiala entera en SENDGRID_API_KEY; empieza por «SG.».";
    SENDGRID_CREDITS: "Le quota de SendGrid est épuisé : {why}.", "SendGrid's quota is used up: {why}.", "La cuota de SendGrid está agotada: {why}.";
    MEND_SENDGRID_CREDITS: "Attendez demain, changez d'offre, ou passez par SMTP (SMTP_HOST).", "Wait for tomorrow, change the plan, or go by SMTP (SMTP_HOST).", "Espera a mañana, cambia de plan o pasa por SMTP (SMTP_HOST).";
    SENDGRID_SENDER: "SendGrid refuse l'expéditeur {from} : {why}.", "SendGrid refuses the sender {from}: {why}.", "SendGrid rechaza al remitente {from}: {why}.";
    MEND_SENDGRID_SENDER: "Vérifiez cet expéditeur dans SendGrid (Settings > Sender Authentication), ou changez EMAIL_FROM.", "Verify this sender in SendGrid (Settings > Sender Authentication), or change EMAIL_FROM.", "Verifica este remitente en SendGrid (Settings > Sender Authentication), o cambia EMAIL_FROM.";
    WAY_FAILED: "{service} : {why}.", "{service}: {why}.", "{service}: {why}.";
    MEND_WAY: "Réessayez ; si cela dure, regardez l'état de ce service.", "Try again; if it lasts, look at the state of this service.", "Vuelve a intentarlo; si dura, mira el estado de este servicio.";
    SMTP_OK: "{address} répond, connexion et identifiants acceptés.", "{address} answers, connection and login accepted.", "{address} responde, conexión y credenciales aceptadas.";
    SMTP_SILENT: "{address} ne répond pas. Les ports 25, 465 et 587 sont bloqués sur beaucoup de plateformes (offre gratuite de Render).", "{address} does not answer. Many platforms block the ports 25, 465 and 587 (Render's free plan).", "{address} no responde. Muchas plataformas bloquean los puertos 25, 465 y 587 (plan gratuito de Render).";
    MEND_SMTP_BLOCKED: "Prenez le port 2525 s'il existe (SMTP_PORT), ou l'API de SendGrid, qui passe par HTTPS.", "Take the port 2525 if there is one (SMTP_PORT), or SendGrid's API, which goes by HTTPS.", "Usa el puerto 2525 si existe (SMTP_PORT), o la API de SendGrid, que va por HTTPS.";
    SMTP_FAILED: "{address} : {why}.", "{address}: {why}.", "{address}: {why}.";
    MEND_SMTP: "Vérifiez SMTP_HOST, SMTP_PORT, SMTP_SECURE, SMTP_USER et SMTP_PASSWORD.", "Check SMTP_HOST, SMTP_PORT, SMTP_SECURE, SMTP_USER and SMTP_PASSWORD.", "Comprueba SMTP_HOST, SMTP_PORT, SMTP_SECURE, SMTP_USER y SMTP_PASSWORD.";
    QUEUE_EMPTY: "Aucun courriel n'attend.", "No mail waits.", "Ningún correo espera.";
    QUEUE: "Courriels refusés qui attendent un nouvel essai : {waiting} ; abandonnés en sept jours : {failed}. Dernier motif : {why}.", "Refused mails that wait for another try: {waiting}; given up within seven days: {failed}. Last reason: {why}.", "Correos rechazados que esperan otro intento: {waiting}; abandonados en siete días: {failed}. Último motivo: {why}.";
    MEND_QUEUE: "Corrigez le motif ci-contre ; les courriels qui attendent repartent d'eux-mêmes.", "Mend this reason; mails that wait leave by themselves.", "Corrige este motivo; los correos que esperan salen solos.";

    SLACK_OFF: "Slack n'est pas configuré.", "Slack is not configured.", "Slack no está configurado.";
    SLACK_OK: "L'adresse a la forme d'un webhook ; « --send » envoie un message d'essai.", "The address has the form of a webhook; “--send” sends a message to try it.", "La dirección tiene la forma de un webhook; «--send» envía un mensaje de prueba.";
    SLACK_CHANNEL: "L'adresse a la forme d'un webhook. Les messages vont au canal choisi à sa création (point 2.4 de cette partie) ; {channel} y est seulement écrit.", "The address has the form of a webhook. Messages go to the channel chosen when it was made (point 2.4 of this part); {channel} is only written in them.", "La dirección tiene la forma de un webhook. Los mensajes van al canal elegido al crearlo (punto 2.4 de esta parte); {channel} solo se escribe en ellos.";
    SLACK_SHAPE: "L'adresse n'est pas celle d'un webhook entrant de Slack.", "The address is not that of an incoming webhook of Slack.", "La dirección no es la de un webhook entrante de Slack.";
    MEND_SLACK: "Recopiez l'URL du webhook : https://hooks.slack.com/services/T…/B…/…", "Copy the webhook's URL again: https://hooks.slack.com/services/T…/B…/…", "Vuelve a copiar la URL del webhook: https://hooks.slack.com/services/T…/B…/…";

    LOGS_OFF: "Logtail n'est pas configuré.", "Logtail is not configured.", "Logtail no está configurado.";
    LOGS_REACHED: "{host} répond ; « --send » y envoie une ligne d'essai.", "{host} answers; “--send” sends a line to try it.", "{host} responde; «--send» envía una línea de prueba.";
    LOGS_UNREACHED: "{host} : {why}.", "{host}: {why}.", "{host}: {why}.";
    MEND_LOGS_HOST: "Recopiez l'hôte d'ingestion affiché par la source dans LOGTAIL_HOST.", "Copy the ingesting host that the source shows into LOGTAIL_HOST.", "Copia en LOGTAIL_HOST el host de ingesta que muestra la fuente.";
}
