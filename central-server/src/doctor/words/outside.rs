//! What is said of the way in from outside, the dashboard, the machine, and of messages that are sent to try.

crate::words::words! {
    NO_PUBLIC_URL: "PUBLIC_URL n'est pas définie : l'accès depuis l'extérieur n'est pas vérifiable.", "PUBLIC_URL is not set: access from outside cannot be checked.", "PUBLIC_URL no está definida: no se puede comprobar el acceso desde el exterior.";
    HEALTHY: "{url} répond « healthy », version {version}.", "{url} answers “healthy”, version {version}.", "{url} responde «healthy», versión {version}.";
    NOT_HEALTHY: "{url} répond « {status} » ({checks}) : {why}.", "{url} answers “{status}” ({checks}); the server says, in French: “{why}”.", "{url} responde «{status}» ({checks}); el servidor dice, en francés: «{why}».";
    MEND_NOT_HEALTHY: "Corrigez ce qui est signalé dans ce diagnostic ; /health redevient « healthy » de lui-même.", "Mend what this diagnosis shows; /health becomes “healthy” again by itself.", "Corrige lo que señala este diagnóstico; /health vuelve solo a «healthy».";
    OTHER_VERSION: "{url} est en version {version}, ce programme en version {ours}.", "{url} is version {version}, this program is version {ours}.", "{url} está en la versión {version}, este programa en la {ours}.";
    MEND_OTHER_VERSION: "Redéployez pour que tout soit de la même version ; les deux s'entendent pendant un déploiement.", "Redeploy so that everything is of one version; both get along during a deployment.", "Vuelve a desplegar para que todo sea de la misma versión; ambas conviven durante un despliegue.";
    NOT_OURS: "{url} répond (HTTP {status}), mais ce n'est pas ce serveur.", "{url} answers (HTTP {status}), but it is not this server.", "{url} responde (HTTP {status}), pero no es este servidor.";
    UNREACHABLE: "{url} ne répond pas : {why}.", "{url} does not answer: {why}.", "{url} no responde: {why}.";
    MEND_PUBLIC_URL: "Vérifiez PUBLIC_URL, que le service tourne, et le proxy devant lui.", "Check PUBLIC_URL, that the service runs, and the proxy in front of it.", "Comprueba PUBLIC_URL, que el servicio funciona y el proxy delante de él.";
    ANSWERS: "{url} répond (HTTP {status}).", "{url} answers (HTTP {status}).", "{url} responde (HTTP {status}).";
    WRONG_STATUS: "{url} répond HTTP {status}.", "{url} answers HTTP {status}.", "{url} responde HTTP {status}.";
    MEND_MONITOR: "Le proxy devant le serveur doit laisser passer HEAD : les moniteurs gratuits l'emploient.", "The proxy in front of the server has to let HEAD through: free monitors use it.", "El proxy ante el servidor debe dejar pasar HEAD: los monitores gratuitos lo usan.";
    PROXIES_BY_PAGE: "Cette commande ne peut pas le voir : seule une requête d'un navigateur, par l'adresse publique, passe par tous les proxys. TRUSTED_PROXY_HOPS vaut {hops}.", "This command cannot see it: only a browser's request, by the public address, comes through all proxies. TRUSTED_PROXY_HOPS is {hops}.", "Este comando no puede verlo: solo una petición de un navegador, por la dirección pública, pasa por todos los proxys. TRUSTED_PROXY_HOPS vale {hops}.";
    LOOK_AT_PAGE: "Ouvrez {url}/admin/doctor avec un compte super_admin : la page Diagnostic compte les proxys de sa propre requête et donne la bonne valeur.", "Open {url}/admin/doctor with a super_admin account: the page Diagnosis counts the proxies of its own request and tells the right value.", "Abre {url}/admin/doctor con una cuenta super_admin: la página Diagnóstico cuenta los proxys de su propia petición y da el valor correcto.";
    PROXIES_OK: "TRUSTED_PROXY_HOPS vaut {hops}, et cette requête est passée par {seen} : {chain}.", "TRUSTED_PROXY_HOPS is {hops}, and this request came through {seen}: {chain}.", "TRUSTED_PROXY_HOPS vale {hops}, y esta petición pasó por {seen}: {chain}.";
    PROXIES_DIFFER: "TRUSTED_PROXY_HOPS vaut {hops}, mais cette requête est passée par {seen} : {chain}. Les limites et le journal comptent une autre adresse que celle de la personne.", "TRUSTED_PROXY_HOPS is {hops}, but this request came through {seen}: {chain}. Limits and the journal count another address than the person's.", "TRUSTED_PROXY_HOPS vale {hops}, pero esta petición pasó por {seen}: {chain}. Los límites y el registro cuentan otra dirección que la de la persona.";
    MEND_PROXIES: "Mettez TRUSTED_PROXY_HOPS à {seen}.", "Set TRUSTED_PROXY_HOPS to {seen}.", "Pon TRUSTED_PROXY_HOPS a {seen}.";

    NO_DASHBOARD_URL: "Aucune adresse du tableau de bord n'est connue (DASHBOARD_URL, ALLOWED_ORIGINS, PUBLIC_URL).", "No address of the dashboard is known (DASHBOARD_URL, ALLOWED_ORIGINS, PUBLIC_URL).", "No se conoce ninguna dirección del panel (DASHBOARD_URL, ALLOWED_ORIGINS, PUBLIC_URL).";
    PAGE_OK: "{url} montre le tableau de bord.", "{url} shows the dashboard.", "{url} muestra el panel.";
    PAGE_EMPTY: "{url} répond, mais sans tableau de bord : ce programme a été construit sans lui.", "{url} answers, but without a dashboard: this program was built without it.", "{url} responde, pero sin panel: este programa se construyó sin él.";
    PAGE_OTHER: "{url} répond (HTTP {status}), mais ce n'est pas le tableau de bord.", "{url} answers (HTTP {status}), but it is not the dashboard.", "{url} responde (HTTP {status}), pero no es el panel.";
    MEND_PAGE: "Vérifiez DASHBOARD_URL (à défaut, c'est la première adresse d'ALLOWED_ORIGINS), et que le build s'est bien passé sur Render (étape 7).", "Check DASHBOARD_URL (without it, it is the first address of ALLOWED_ORIGINS), and that the build went well on Render (step 7).", "Comprueba DASHBOARD_URL (en su defecto, es la primera dirección de ALLOWED_ORIGINS), y que la compilación fue bien en Render (paso 7).";
    BUILD_OK: "Version {version}, et il parle à {api}.", "Version {version}, and it talks to {api}.", "Versión {version}, y habla con {api}.";
    BUILD_SAME_HOST: "Version {version}, servi par ce serveur.", "Version {version}, served by this server.", "Versión {version}, servido por este servidor.";
    BUILD_UNKNOWN: "{url} ne donne pas sa version.", "{url} does not tell its version.", "{url} no indica su versión.";
    BUILD_OTHER_API: "Le tableau de bord parle à {api}, et non à {ours}.", "The dashboard talks to {api}, not to {ours}.", "El panel habla con {api}, y no con {ours}.";
    MEND_BUILD_API: "Corrigez NG_APP_API_URL dans le site statique, puis reconstruisez-le.", "Correct NG_APP_API_URL in the static site, then build it again.", "Corrige NG_APP_API_URL en el sitio estático y vuelve a construirlo.";
    BUILD_OTHER_VERSION: "Le tableau de bord est en version {version}, le serveur en version {ours}.", "The dashboard is version {version}, the server is version {ours}.", "El panel está en la versión {version}, el servidor en la {ours}.";
    CORS_NONE: "Aucune origine étrangère n'est autorisée : le tableau de bord est servi par ce serveur.", "No foreign origin is allowed: the dashboard is served by this server.", "No se permite ningún origen ajeno: el panel lo sirve este servidor.";
    CORS_OK: "Le serveur accepte cette origine.", "The server accepts this origin.", "El servidor acepta este origen.";
    CORS_REFUSED: "{url} n'accepte pas cette origine (pas d'en-tête Access-Control-Allow-Origin).", "{url} does not accept this origin (no Access-Control-Allow-Origin header).", "{url} no acepta este origen (sin cabecera Access-Control-Allow-Origin).";
    CORS_UNLISTED: "Le tableau de bord est à cette adresse, qui n'est pas dans ALLOWED_ORIGINS : ses requêtes sont refusées.", "The dashboard is at this address, which is not in ALLOWED_ORIGINS: its requests are refused.", "El panel está en esta dirección, que no figura en ALLOWED_ORIGINS: sus peticiones se rechazan.";
    MEND_CORS: "Mettez exactement {origin} dans ALLOWED_ORIGINS (sans « / » à la fin, virgule entre deux), puis redémarrez.", "Put exactly {origin} into ALLOWED_ORIGINS (no “/” at the end, a comma between two), then restart.", "Pon exactamente {origin} en ALLOWED_ORIGINS (sin «/» al final, coma entre dos) y reinicia.";

    FOLDER_OK: "{folder} existe et accepte l'écriture.", "{folder} exists and can be written to.", "{folder} existe y admite escritura.";
    FOLDER_COMING: "{folder} n'existe pas encore : le serveur le créera.", "{folder} does not exist yet: the server will make it.", "{folder} aún no existe: el servidor la creará.";
    FOLDER_REFUSED: "{folder} n'est pas utilisable par ce compte : {why}.", "This account cannot use {folder}: {why}.", "Esta cuenta no puede usar {folder}: {why}.";
    MEND_FOLDER: "Donnez ce dossier au compte du serveur, ou changez NEOPRO_DATA_DIR.", "Give this folder to the server's account, or change NEOPRO_DATA_DIR.", "Da esta carpeta a la cuenta del servidor, o cambia NEOPRO_DATA_DIR.";
    DISK: "{free} Mo libres sur {total} Mo.", "{free} MB free of {total} MB.", "{free} MB libres de {total} MB.";
    DISK_UNKNOWN: "La place libre n'est pas connue : {why}.", "The free room is not known: {why}.", "No se conoce el espacio libre: {why}.";
    MEND_DISK: "Faites de la place : en dessous de 512 Mo les envois de vidéos sont refusés.", "Make room: below 512 MB uploads of videos are refused.", "Haz espacio: por debajo de 512 MB se rechazan los envíos de vídeos.";

    SENT: "Envoyé ; réponse du service : {answer}.", "Sent; the service answered: {answer}.", "Enviado; el servicio respondió: {answer}.";
    NOT_SENT: "Refusé ; réponse du service : {answer}.", "Refused; the service answered: {answer}.", "Rechazado; el servicio respondió: {answer}.";
    SENT_MAIL: "Courriel d'essai remis pour {to}.", "Test mail handed over for {to}.", "Correo de prueba entregado para {to}.";
    NOT_SENT_MAIL: "Le courriel d'essai pour {to} n'est pas parti : {why}.", "The test mail for {to} has not left: {why}.", "El correo de prueba para {to} no salió: {why}.";
    SLACK_NO_SERVICE: "Slack ne connaît plus ce webhook ({answer}).", "Slack does not know this webhook any more ({answer}).", "Slack ya no conoce este webhook ({answer}).";
    SLACK_TOO_MANY: "Slack demande d'attendre ({answer}).", "Slack asks to wait ({answer}).", "Slack pide esperar ({answer}).";
    MEND_SLACK_AGAIN: "Créez un nouveau webhook et recopiez son URL dans SLACK_WEBHOOK_URL.", "Make a new webhook and copy its URL into SLACK_WEBHOOK_URL.", "Crea un webhook nuevo y copia su URL en SLACK_WEBHOOK_URL.";
    MEND_WAIT: "Réessayez dans une minute.", "Try again in a minute.", "Vuelve a intentarlo en un minuto.";
    LOGS_TOKEN: "Logtail refuse le jeton ({answer}).", "Logtail refuses the token ({answer}).", "Logtail rechaza el token ({answer}).";
    MEND_LOGS_TOKEN: "Recopiez le jeton de la source dans LOGTAIL_TOKEN, et son hôte d'ingestion dans LOGTAIL_HOST.", "Copy the source's token into LOGTAIL_TOKEN, and its ingesting host into LOGTAIL_HOST.", "Copia el token de la fuente en LOGTAIL_TOKEN, y su host de ingesta en LOGTAIL_HOST.";
    LOGS_FULL: "Logtail ne prend plus de logs : le quota du mois est atteint ({answer}).", "Logtail takes no more logs: the month's quota is reached ({answer}).", "Logtail ya no acepta registros: se alcanzó la cuota del mes ({answer}).";
    MEND_LOGS_FULL: "Augmentez l'offre de Logtail ou mettez LOG_LEVEL=warn.", "Take a larger plan at Logtail or set LOG_LEVEL=warn.", "Amplía el plan de Logtail o pon LOG_LEVEL=warn.";
    NO_ANSWER: "Pas de réponse : {why}.", "No answer: {why}.", "Sin respuesta: {why}.";
    TEST_TEXT: "Test NeoPro - Configuration OK !", "NeoPro test - configuration OK!", "Prueba de NeoPro: configuración correcta.";
    SUMMARY: "Erreurs : {errors} ; avertissements : {warnings} ; en ordre : {oks} ; non vérifiés : {unchecked}.", "Errors: {errors}; warnings: {warnings}; in order: {oks}; not checked: {unchecked}.", "Errores: {errors}; avisos: {warnings}; en orden: {oks}; sin comprobar: {unchecked}.";
    FOUND_ERRORS: "Le diagnostic a trouvé des erreurs.", "The diagnosis has found errors.", "El diagnóstico ha encontrado errores.";
    LABEL_FIX: "À faire", "To do", "Qué hacer";
    LABEL_SENT: "Messages d'essai", "Test messages", "Mensajes de prueba";
}
