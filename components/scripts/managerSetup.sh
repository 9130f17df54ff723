# Creates the login of Pulsar Manager v0.2.0 and registers the cluster in it, each only if it is missing. A registered cluster gets another address if
# the brokers have another one. Needs POSIX sh and curl 7.55 or later.
#
# MANAGER_URL      address of the manager's page, without a path
# MANAGER_USER     name of the login
# BROKER_URL       address of the brokers that the manager gets, for messages
# REQUESTS         folder with the bodies of the requests: login.json, superuser.json, environment.json
# START_SECONDS    time limit for the manager to answer
# CLUSTER_SECONDS  time limit for the manager to reach the cluster
# PAUSE_SECONDS    pause before a retry
#
# The manager refuses with status 200 and {"error": "..."} in the body. Before it has started, its nginx answers 404, because the image lacks the page
# for 502. A session consists of cookies, a header with the CSRF token of the cookie, and, once logged in, the headers token and username.
# The password and the tokens are in files only, never in a command line, the environment or the output.

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

# request METHOD PATH [FILE]: sends the file. Sets $status, and $answer to the answer without white space.
request() {
  : >"$private/answer"
  status=$(
    curl --silent --show-error --max-time 90 --request "$1" "$MANAGER_URL/pulsar-manager/$2" \
      --cookie "$private/cookies" --cookie-jar "$private/cookies" --header "@$private/headers" ${3:+--data "@$3"} \
      --dump-header "$private/answered" --output "$private/answer" --write-out '%{http_code}'
  ) || status="no answer"
  answer=$(tr -d '[:space:]' <"$private/answer")
}

# Prints the error or message of the answer, or the status if it has none.
reason() {
  text=$(sed -n -e "s/\\\\\"/'/g" -e 's/.*"error" *: *"\([^"]*\)".*/\1/p' -e 's/.*"message" *: *"\([^"]*\)".*/\1/p' "$private/answer" | head -n 1)
  say "${text:-status $status}"
}

# start_session: gets the CSRF token for all later requests.
start_session() {
  rm -f "$private/cookies"
  printf 'Content-Type: application/json\n' >"$private/headers"
  request GET csrf-token
  [ "$status" = 200 ] && [ -n "$answer" ] && printf 'X-XSRF-TOKEN: %s\n' "$answer" >>"$private/headers"
}

# log_in: sets $login to success, unknown or refused. Returns an error if the manager does not answer with 200 (500: it has no database).
log_in() {
  request POST login "$REQUESTS/login.json"
  case $answer in
    *'"login":"success"'*) login=success ;;
    *'"error":"Theuserisnotexist"'*) login=unknown ;;
    *) login=refused ;;
  esac
  [ "$status" = 200 ]
}

wrong_password="pulsar:managerPassword: $MANAGER_USER has another password in Pulsar Manager; to change it, change it in the manager's database \
first (docs/access.md), then here"

deadline=$(($(date +%s) + START_SECONDS))
until start_session && log_in; do
  [ "$(date +%s)" -lt "$deadline" ] || fail "Pulsar Manager: $MANAGER_URL does not answer within $START_SECONDS s ($(reason)); see the log of its pod, then run pulumi up again"
  sleep "$PAUSE_SECONDS"
done

case $login in
  success) say "the login $MANAGER_USER exists already" ;;
  unknown)
    request PUT users/superuser "$REQUESTS/superuser.json"
    refusal=$(reason)
    case $answer in
      *'Superuserroleisexist'*)
        fail "pulsar:manager.user: Pulsar Manager has no login $MANAGER_USER, but another super user, and creates no second one; name that one"
        ;;
    esac
    log_in
    [ "$login" = success ] || fail "pulsar:manager.user: Pulsar Manager does not create the login $MANAGER_USER ($refusal); change it, or pulsar:managerPassword"
    say "the login $MANAGER_USER is created"
    ;;
  *)
    case $answer in
      *'"error":"Theusernameorpasswordnotincorrect"'*) fail "$wrong_password" ;;
      *) fail "pulsar:manager.user: Pulsar Manager refuses the login $MANAGER_USER ($(reason)); see the log of its pod" ;;
    esac
    ;;
esac

{
  tr -d '\r' <"$private/answered" | sed -n 's/^[Tt]oken: */token: /p'
  printf 'username: %s\n' "$MANAGER_USER"
} >>"$private/headers"

deadline=$(($(date +%s) + CLUSTER_SECONDS))
method=PUT
while :; do
  request $method environments/environment "$REQUESTS/environment.json"
  case $method-$status-$answer in
    PUT-200-*'"message":"Addenvironmentsuccess"'* | POST-200-*'"message":"Updateenvironmentsuccess"'*)
      say "the cluster is registered"
      break
      ;;
    # With another address, from before TLS was enabled or disabled.
    PUT-200-*'"error":"Environmentisexist"'*)
      method=POST
      continue
      ;;
    PUT-200-*'"error":"Brokerisexist"'*)
      say "the cluster is registered already"
      break
      ;;
    # The manager waits up to a minute for the brokers. "This environment is error" means that they did not answer, or refused its token.
    *-200-*'"error":"Thisenvironmentiserror'*) ;;
    *-200-* | *-401-*) fail "Pulsar Manager: it does not register the cluster ($(reason)); see the log of its pod, then run pulumi up again" ;;
  esac
  [ "$(date +%s)" -lt "$deadline" ] ||
    fail "Pulsar Manager: it gets no answer from the brokers at $BROKER_URL within $CLUSTER_SECONDS s ($(reason)); see the log of its pod"
  sleep "$PAUSE_SECONDS"
done
