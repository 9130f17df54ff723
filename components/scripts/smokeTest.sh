# Proves that a message goes through the cluster, and that nobody comes in without a valid token. Everything goes through the proxy, by the
# command-line tools of the image this runs in: of Pulsar 2.7 and of 4.0, whose options have the same names as far as they are used here.
#
#   ADMIN_URL, SERVICE_URL  of the proxy, for HTTP and for the binary protocol
#   TOKEN_FILE              a super user's token
#   WAIT_SECONDS            until the proxy answers (default: 180); it does so a little after it is ready
#   CALL_SECONDS            for each command (default: 60)
#
# The last line says what is wrong. What a run makes for itself is its subscription, which goes with it in any case; tenant, namespace and
# topic stay for the next one.
set -u
umask 077

partitions=3
messages=4 # to each partition
tenant=test-tenant
namespace=$tenant/test-ns
topic=persistent://$namespace/test-topic
run=smoke-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')

work=$(mktemp -d)
said=$work/said # by the last command
subscribed=

# $1: the file of a token, or nothing
tool() {
  token=$1 program=$2 option=$3 url=$4
  shift 4
  if [ -n "$token" ]; then
    set -- --auth-plugin org.apache.pulsar.client.impl.auth.AuthenticationToken --auth-params "file://$token" "$@"
  fi
  timeout "${CALL_SECONDS:-60}" "$program" "$option" "$url" "$@" >"$said" 2>&1
}
admin() {
  as=$1
  shift
  tool "$as" bin/pulsar-admin --admin-url "$ADMIN_URL" "$@"
}
client() {
  as=$1
  shift
  tool "$as" bin/pulsar-client --url "$SERVICE_URL" "$@"
}

fail() {
  tail -n 8 "$said" | cut -c 1-300
  echo "smoke test failed: $*"
  exit 1
}

clean_up() {
  if [ -n "$subscribed" ]; then admin "$TOKEN_FILE" topics unsubscribe --subscription "$run" "$topic"; fi
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 143' TERM INT

# Whether the last command met a refusal. That nobody was reached, or not in time, is none.
refused() {
  grep -Eq 'HTTP 401|Unauthorized|AuthenticationException' "$said"
}

deadline=$(($(date +%s) + ${WAIT_SECONDS:-180}))
until admin "$TOKEN_FILE" tenants list; do
  if refused; then fail "the administrators' token is refused at $ADMIN_URL"; fi
  if [ "$(date +%s)" -ge "$deadline" ]; then fail "no answer from $ADMIN_URL within ${WAIT_SECONDS:-180} s"; fi
  sleep 2
done

# Tenant, namespace and topic. Another run may be making them at the same moment; and one broker may not yet know what another has made.
topic_is_there() {
  admin "$TOKEN_FILE" topics get-partitioned-topic-metadata "$topic" &&
    tr -d ' \n' <"$said" | grep -q "\"partitions\":$partitions[,}]"
}
create() {
  for pause in 1 2 4 0; do
    if admin "$TOKEN_FILE" "$@" || grep -iq 'already exist' "$said"; then return; fi
    sleep $pause
  done
  fail "cannot create: $*"
}
if ! topic_is_there; then
  admin "$TOKEN_FILE" clusters list || fail "cannot list the clusters"
  clusters=$(sed -n 's/^"\{0,1\}\([-.A-Za-z0-9_]\{1,\}\)"\{0,1\}$/\1/p' "$said" | tr '\n' ',')
  create tenants create "$tenant" --allowed-clusters "${clusters%,}"
  create namespaces create "$namespace"
  create topics create-partitioned-topic --partitions "$partitions" "$topic"
  topic_is_there || fail "$topic does not have $partitions partitions"
fi

# Messages to each of the partitions, and those and no others from the topic as a whole.
subscribed=yes
admin "$TOKEN_FILE" topics create-subscription --subscription "$run" "$topic" || fail "cannot subscribe to $topic"
partition=0
while [ $partition -lt $partitions ]; do
  list=
  i=0
  while [ $i -lt $messages ]; do
    echo "$run-$partition-$i" >>"$work/sent"
    list=$list${list:+,}$run-$partition-$i
    i=$((i + 1))
  done
  client "$TOKEN_FILE" produce --messages "$list" "$topic-partition-$partition" ||
    fail "cannot produce to partition $partition of $topic at $SERVICE_URL"
  partition=$((partition + 1))
done
count=$((partitions * messages))
client "$TOKEN_FILE" consume --subscription-name "$run" --num-messages $count "$topic" ||
  fail "$count messages were produced to $topic, and fewer were consumed"
# key:[...], properties:[...], content:...  with 4.0 the times of the message before it
grep -E '^(publishTime|key):' "$said" | sed 's/^.*content://' | sort >"$work/received"
sort "$work/sent" | cmp -s - "$work/received" || fail "other messages were consumed from $topic than were produced"
for pause in 1 2 4 0; do
  admin "$TOKEN_FILE" topics partitioned-stats "$topic" || fail "cannot read how many messages are left in $topic"
  left=$(sed -n "/\"$run\"/,/\"msgBacklog\"/s/.*\"msgBacklog\" *: *\([0-9]*\).*/\1/p" "$said" | head -n 1)
  if [ "$left" = 0 ]; then break; fi
  # The acknowledgements may be on their way.
  sleep $pause
done
: >"$said"
if [ "$left" != 0 ]; then fail "${left:-unknown} messages more than were produced are in $topic"; fi
admin "$TOKEN_FILE" topics unsubscribe --subscription "$run" "$topic" || fail "cannot unsubscribe from $topic"
subscribed=

# No token, and the same token with another signature.
token=$(cat "$TOKEN_FILE")
{
  printf '%s.' "${token%.*}"
  printf '%s' "${token##*.}" | tr 'A-Za-z0-9' 'N-ZA-Mn-za-m5-90-4'
} >"$work/wrong"
must_be_refused() {
  what=$1
  shift
  if "$@"; then fail "$what is accepted"; fi
  refused || fail "$what is not refused but met another fault"
}
must_be_refused "a request without a token to $ADMIN_URL" admin "" tenants list
must_be_refused "a request with a wrong token to $ADMIN_URL" admin "$work/wrong" tenants list
must_be_refused "a client without a token at $SERVICE_URL" client "" produce --messages "$run" "$topic"
must_be_refused "a client with a wrong token at $SERVICE_URL" client "$work/wrong" produce --messages "$run" "$topic"

echo "smoke test passed: $count messages went through $topic, and nobody comes in without a valid token"
