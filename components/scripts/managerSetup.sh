# Makes the login to Pulsar Manager v0.2.0 and registers the cluster there, both only where they are missing. POSIX sh and curl 7.55 or later.
#
# MANAGER_URL      address of the manager's page, without a path
# MANAGER_USER     whom people log in as
# BROKER_URL       address of the brokers, as the manager is told it; for messages
# REQUESTS         folder with the bodies of the requests: login.json, superuser.json, environment.json
# START_SECONDS    how long the manager may take to answer
# CLUSTER_SECONDS  how long the manager may take to reach the cluster
# PAUSE_SECONDS    between two tries
#
# The manager says almost everything with status 200: {"error": "..."} in the body is a refusal. Before it is up, the nginx before it says 404: its
# page for 502 is not in the image. The manager knows a session by its cookies, by the CSRF token in a header beside the cookie of the same value,
# and once logged in by the headers token and username.
# The password and the tokens are in files alone, never in a command line, the environment or what is printed.

set -u
umask 077
private=$(mktemp -d) || exit 1
trap 'rm -rf "$private"' EXIT

say() { printf '%s\n' "$*"; }

# The last line is what the `up` reports.
fail() {
  say "$*"
  exit 1
}

# request METHOD PATH [FILE]: sends the file and leaves the status in $status and the answer, without white space, in $answer.
request() {
  : >"$private/answer"
  status=$(
    curl --silent --show-error --max-time 90 --request "$1" "$MANAGER_URL/pulsar-manager/$2" \
      --cookie "$private/cookies" --cookie-jar "$private/cookies" --header "@$private/headers" ${3:+--data "@$3"} \
      --dump-header "$private/answered" --output "$private/answer" --write-out '%{http_code}'
  ) || status="no answer"
  answer=$(tr -d '[:space:]' <"$private/answer")
}

# The error or message of the answer, or else the status.
reason() {
  text=$(sed -n -e "s/\\\\\"/'/g" -e 's/.*"error" *: *"\([^"]*\)".*/\1/p' -e 's/.*"message" *: *"\([^"]*\)".*/\1/p' "$private/answer" | head -n 1)
  say "${text:-status $status}"
}

# start_session: asks for the CSRF token and has every later request send it.
start_session() {
  rm -f "$private/cookies"
  printf 'Content-Type: application/json\n' >"$private/headers"
  request GET csrf-token
  [ "$status" = 200 ] && [ -n "$answer" ] && printf 'X-XSRF-TOKEN: %s\n' "$answer" >>"$private/headers"
}

# log_in: tries to, and leaves in $login: success, unknown, or refused. Fails where the manager gives no answer, or not this one (500: it has no
# database).
log_in() {
  request POST login "$REQUESTS/login.json"
  case $answer in
    *'"login":"success"'*) login=success ;;
    *'"error":"Theuserisnotexist"'*) login=unknown ;;
    *) login=refused ;;
  esac
  [ "$status" = 200 ]
}

wrong_password="$MANAGER_USER has another password in Pulsar Manager than pulsar:managerPassword says. The manager has no page to change it: \
change it in its database first (docs/access.md), then in pulsar:managerPassword"

deadline=$(($(date +%s) + START_SECONDS))
until start_session && log_in; do
  [ "$(date +%s)" -lt "$deadline" ] || fail "Pulsar Manager at $MANAGER_URL does not answer after $START_SECONDS s: $(reason)"
  sleep "$PAUSE_SECONDS"
done

case $login in
  success) say "$MANAGER_USER can log in already" ;;
  unknown)
    request PUT users/superuser "$REQUESTS/superuser.json"
    refusal=$(reason)
    case $answer in
      *'Superuserroleisexist'*)
        fail "Pulsar Manager has no login $MANAGER_USER, and makes no super user beside the one it has: name that one in pulsar:manager.user"
        ;;
    esac
    log_in
    [ "$login" = success ] || fail "Pulsar Manager does not make the login $MANAGER_USER: $refusal"
    say "$MANAGER_USER is made"
    ;;
  *)
    case $answer in
      *'"error":"Theusernameorpasswordnotincorrect"'*) fail "$wrong_password" ;;
      *) fail "Pulsar Manager does not let $MANAGER_USER log in: $(reason)" ;;
    esac
    ;;
esac

{
  tr -d '\r' <"$private/answered" | sed -n 's/^[Tt]oken: */token: /p'
  printf 'username: %s\n' "$MANAGER_USER"
} >>"$private/headers"

deadline=$(($(date +%s) + CLUSTER_SECONDS))
while :; do
  request PUT environments/environment "$REQUESTS/environment.json"
  case $status-$answer in
    200-*'"message":"Addenvironmentsuccess"'*)
      say "the cluster is registered"
      break
      ;;
    200-*'"error":"Brokerisexist"'* | 200-*'"error":"Environmentisexist"'*)
      say "the cluster is registered already"
      break
      ;;
    # The manager asks the brokers for their clusters, for a minute; so long nginx waits for the manager, too. "This environment is error": they
    # have not answered, or have not let it.
    200-*'"error":"Thisenvironmentiserror'*) ;;
    200-* | 401-*) fail "Pulsar Manager does not register the cluster: $(reason)" ;;
  esac
  [ "$(date +%s)" -lt "$deadline" ] ||
    fail "Pulsar Manager gets no answer from the brokers at $BROKER_URL after $CLUSTER_SECONDS s (its own log says why): $(reason)"
  sleep "$PAUSE_SECONDS"
done
