#!/usr/bin/env bash
# A backup engine for SCP out of curl, openssl, jq and qemu-img. It speaks the driver protocol of backlot: a job as
# JSON on standard input, JSON lines on standard output.
#
# A point is a folder with raw images and point.json. What a run makes on the platform is noted in run.note before it is
# made, so that the next run can remove what a run that died has left. One run at a time works with a repository.
set -uo pipefail

readonly LOCK_SECONDS=240 RENEW_MS=45000 ANSWER_MS=60000 POLL_MS=2000 BUSY_ROUNDS=60 COPY_MS=60000

job=$(cat)
eval "$(jq -r '@sh "operation=\(.operation) url=\(.platform.scpUrl) ca_file=\(.platform.caFile) nbd_port=\(.platform.nbdPort)
  access_key=\(.platform.credentials.accessKey // "") secret_key=\(.platform.credentials.secretKey // "")
  scale_milli=\(.timeScale * 1000 | floor) transport=\(.transport) repo=\(.repository) server=\(.server.id // "")
  wanted_point=\(.restore.point // "") new_name=\(.restore.to.newName // "") target=\(.restore.to.server // "")"' <<<"$job")"
work=$(mktemp -d)
mkdir -p "$repo"

say_log() { jq -nc --arg message "$1" '{type: "log", message: $message}'; }
ok() { printf '{"type":"result","result":"ok"%s}\n' "${1:+,$1}"; exit 0; }
die() {
  release_lock
  jq -nc --arg error "$1" '{type: "result", result: "failed", error: $error}'
  exit 1
}
trap 'stop_renewing; rm -rf "$work"' EXIT
trap 'exit 143' TERM INT

# ours MS [LEAST]: milliseconds of the platform's time, as seconds of ours, in $seconds
ours() {
  local ms=$(($1 * 1000 / scale_milli))
  ((ms < ${2:-0})) && ms=$2
  printf -v seconds '%d.%03d' $((ms / 1000)) $((ms % 1000))
}
pause() { local seconds; ours "$1"; sleep "$seconds"; }

# ---- REST: signed requests, repeated while nobody answers or the platform is not well

# digest TEXT [OPENSSL-OPTION]...: sets hash
digest() {
  local file=$work/text.$BASHPID
  printf %s "$1" >"$file"
  hash=$(if (($# == 1)); then sha256sum "$file"; else openssl dgst -sha256 -r "${@:2}" "$file"; fi)
  hash=${hash%% *}
}
hmac() { digest "$2" -mac HMAC -macopt "hexkey:$1"; }

# sign METHOD PATH BODY: sets stamp and authorization. The query is not signed. A key is good for a day.
signing_day=
sign() {
  TZ=UTC printf -v stamp '%(%Y%m%dT%H%M%SZ)T' -1
  local scope="${stamp:0:8}/cn-south-1/open-api/aws4_request" part
  if [[ $signing_day != "${stamp:0:8}" ]]; then
    signing_day=${stamp:0:8}
    signing_key=$(printf %s "AWS4$secret_key" | od -An -v -tx1 | tr -d ' \n')
    for part in "$signing_day" cn-south-1 open-api aws4_request; do hmac "$signing_key" "$part"; signing_key=$hash; done
  fi
  if [[ -n $3 ]]; then digest "$3"; else hash=$EMPTY_HASH; fi
  digest "$1"$'\n'"$2"$'\n\n'"x-amz-date:$stamp"$'\n\n'"x-amz-date"$'\n'"$hash"
  hmac "$signing_key" "AWS4-HMAC-SHA256"$'\n'"$stamp"$'\n'"$scope"$'\n'"$hash"
  authorization="AWS4-HMAC-SHA256 Credential=$access_key/$scope, SignedHeaders=x-amz-date, Signature=$hash"
}
readonly EMPTY_HASH=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
sign GET / ''

# call METHOD PATH[?QUERY] [BODY] [FILTER [JQ-OPTION]...]: what jq's FILTER makes of the answer's data on standard
# output, without one the answer as it came. Otherwise: status 1, and "STATUS MESSAGE" in the file refusal; STATUS is 000
# when nobody answered. A repeated call keeps its client token.
call() {
  local method=$1 target=$2 body=${3:-} filter=${4:-} token attempt status answer text seconds
  read -r token </proc/sys/kernel/random/uuid
  ours "${answer_ms:-$ANSWER_MS}" 1000
  for attempt in 1 2 3 4 5 6; do
    ((attempt == 1)) || pause $((attempt * attempt * 5000))
    sign "$method" "${target%%\?*}" "$body"
    answer=$work/answer.$BASHPID
    : >"$answer"
    status=$(curl -sS -o "$answer" -w '%{http_code}' --cacert "$ca_file" -X "$method" "$url$target" \
      --max-time "$seconds" -H 'Content-Type: application/json' -H "X-Amz-Date: $stamp" \
      -H "Authorization: $authorization" -H "X-Client-Token: $token" ${body:+--data-binary "$body"} 2>>"$work/curl.log")
    text=$(<"$answer")
    if [[ $status == 2?? ]]; then
      [[ -z $text ]] && return 0
      [[ -n $filter ]] && jq -cr "${@:5}" ".data | $filter" <<<"$text" 2>/dev/null && return 0
      [[ -z $filter && $text == '{'*'}' ]] && printf '%s\n' "$text" && return 0
      status=000
    fi
    echo "$status $(field message "$text")" >"$work/refusal"
    [[ $status == 000 || $status == 429 || $status == 5?? ]] || return 1
  done
  return 1
}
# field NAME ANSWER: a text in an answer of a few fields. To start jq would take longer than the call.
field() { [[ $2 =~ \"$1\":\ ?\"([^\"]*)\" ]] && printf %s "${BASH_REMATCH[1]}"; }
refusal() { cat "$work/refusal"; }
is_gone() { grep -q '^404' "$work/refusal"; }

# Repeats a command while the server is taken.
patiently() {
  local round
  for ((round = 0; round < BUSY_ROUNDS; round++)); do
    "$@" && return 0
    grep -qiE '^(400|409|task).*(task|in use|being used|occupied|locked)' "$work/refusal" || return 1
    pause 15000
  done
  return 1
}

# pages PATH FILTER [JQ-OPTION]...: what the filter makes of each item of a list, one per line
pages() {
  local path=$1 filter=$2 page=0 lines
  [[ $path == *\?* ]] && path+='&' || path+='?'
  while [[ -n $page ]]; do
    lines=$(call GET "${path}page_num=$page&page_size=100" '' "(.data[] | $filter), \"next \(.next_page_num)\"" "${@:3}") || return 1
    page=${lines##*next }
    [[ $lines == *$'\n'* ]] && printf '%s\n' "${lines%$'\n'*}"
  done
  return 0
}

# wait_for TASK: its failure is the refusal
wait_for() {
  local task
  # No task is over at once, and to sleep is cheaper than to ask.
  while pause "$POLL_MS" && task=$(call GET "/janus/20180725/tasks/$1"); do
    case $(field status "$task") in
      finish) return 0 ;;
      failure | canceled) echo "task $(field action "$task"): $(field description "$task")" >"$work/refusal"; return 1 ;;
    esac
  done
  return 1
}

# change METHOD PATH [BODY]: a call that is carried out as a task
change() {
  local made
  made=$(call "$@") || return 1
  wait_for "$(field task_id "$made")" && echo "$made"
}

# ---- What this run has made: lines of KEY=VALUE

declare -A made_here=()
read_note() {
  local key value
  made_here=()
  while IFS='=' read -r key value; do made_here[$key]=$value; done 2>/dev/null <"$repo/run.note"
}
note() { # note KEY VALUE [KEY VALUE]...
  read_note
  while (($# > 0)); do made_here[$1]=$2; shift 2; done
  local key
  for key in "${!made_here[@]}"; do echo "$key=${made_here[$key]}"; done >"$repo/run.new"
  sync "$repo/run.new" && mv "$repo/run.new" "$repo/run.note"
}
noted() { read_note; printf %s "${made_here[$1]:-}"; }
forget() { rm -f "$repo/run.note"; }

# ---- The lock

renewer=
lock=
resource_path() { echo "/janus/20180725/backup-resources/${1//:/%3A}"; }

take_lock() { # take_lock SERVER backup|restore
  rm -f "$work/lost"
  patiently make_lock "$1" "$2" || return 1
  lock=$(noted resource)
  renew &
  renewer=$!
}
make_lock() {
  local made state
  note server "$1" locked_at "$EPOCHSECONDS" resource ''
  made=$(call POST /janus/20180725/backup-resources \
    "{\"server_id\":\"$1\",\"type\":\"$2\",\"lock_time\":$LOCK_SECONDS}") || return 1
  note resource "$(field resource_id "$made")" locked_at ''
  wait_for "$(field task_id "$made")" || return 1
  while state=$(call GET "$(resource_path "$(noted resource)")"); do
    case $(field status "$state") in
      running) find_disks "$state"; return ;;
      pending) pause "$POLL_MS" ;;
      *) echo "the backup resource is $(field status "$state")" >"$work/refusal"; return 1 ;;
    esac
  done
  return 1
}
renew() {
  while pause "$RENEW_MS"; do
    answer_ms=30000 call PUT "$(resource_path "$lock")" "{\"lock_time\":$LOCK_SECONDS}" >/dev/null && continue
    grep -q '^000' "$work/refusal" && continue
    touch "$work/lost"
    return
  done
}
stop_renewing() {
  [[ -n $renewer ]] && kill "$renewer" 2>/dev/null && wait "$renewer" 2>/dev/null
  renewer=
}
release_lock() {
  stop_renewing
  [[ -n $lock ]] || return 0
  delete_lock "$lock" && lock= && note resource ''
}
delete_lock() {
  local state round
  for round in 1 2 3 4 5; do
    state=$(call GET "$(resource_path "$1")") || { is_gone; return; }
    [[ $(field status "$state") =~ ^(pending|running)$ ]] || return 0
    change DELETE "$(resource_path "$1")" >/dev/null || pause 5000
  done
  return 1
}

# ---- The data path: ranges of disks through qemu-img

# find_disks STATE: where the exports of a running backup resource are, and how one gets there
find_disks() {
  host=$(pages /janus/20240725/hosts 'select(.id == $id) | .ip' --arg id "$(field host_id "$1")") || return 1
  tls=()
  [[ $transport == nbdssl ]] || return 0
  { echo '-----BEGIN CERTIFICATE-----'; field ca_cert "$1" | fold -w 64; echo; echo '-----END CERTIFICATE-----'; } \
    >"$work/ca-cert.pem"
  tls=(--object "tls-creds-x509,id=tls0,endpoint=client,dir=$work")
}

# disk_options DEVICE: an NBD export as qemu sees it
disk_options() {
  disk="driver=raw,file.driver=nbd,file.server.type=inet,file.server.host=$host,file.server.port=$nbd_port,file.reconnect-delay=2"
  disk+=",file.export=$lock/$1${tls:+,file.tls-creds=tls0}"
}

# copy SOURCE-OPTIONS TARGET-OPTIONS: ended when the lock is lost or nothing comes for too long
copy() {
  local seconds
  ours "$COPY_MS" 5000
  timeout "$seconds" qemu-img convert -n -t writeback "${tls[@]}" --image-opts "$1" \
    --target-image-opts "$2" 2>"$work/copy.log" &
  local copier=$!
  while kill -0 "$copier" 2>/dev/null; do
    [[ -e $work/lost ]] && kill "$copier" 2>/dev/null
    sleep 0.02
  done
  wait "$copier" && [[ ! -e $work/lost ]] && return 0
  # A wrong certificate does not become right by asking again.
  local kind=copy
  grep -qi certificate "$work/copy.log" && kind=certificate
  echo "$kind: $(tail -c 200 "$work/copy.log")" >"$work/refusal"
  return 1
}

# ---- Backup

# changed_areas SERVER DEVICE SNAPSHOT CHECKPOINT SIZE: "START LENGTH" per line, from all pages
changed_areas() {
  local start=0 lines
  while ((start < $5)); do
    lines=$(call GET "/janus/20180725/servers/$1/cbt/changed-areas?disk_id=$2&snapshot_id=$3&checkpoint_id=$4&start_offset=$start" \
      '' '(.changed_area[] | "\(.start) \([.length, $size - .start] | min)"),
        "next \(if .start_offset == $start and .length > 0 then $start + .length else "" end)"' \
      --argjson size "$5" --argjson start "$start") || return 1
    start=${lines##*next }
    [[ -n $start ]] || { echo "copy: a page of the change list does not fit" >"$work/refusal"; return 1; }
    [[ $lines == *$'\n'* ]] && printf '%s\n' "${lines%$'\n'*}"
  done
  return 0
}

# Whole runs, since every copy opens a connection of its own: areas closer than 1 MiB become one.
joined() { awk 'NR > 1 && $1 - end <= 1048576 { end = $1 + $2; next } NR > 1 { print start, end - start } { start = $1; end = $1 + $2 } END { if (NR) print start, end - start }'; }

newest_point() { # of a server: its folder, its checkpoint, its tracked disks
  cat "$repo"/points/point-*/point.json 2>/dev/null |
    jq -r --arg server "$1" 'select(.server == $server) | "\(.id)\t\(.checkpoint)\t\(.tracked)"' | tail -n 1
}

run_backup() {
  local want=$1 base since base_tracked tracked attempt
  check_eligible "$server"
  clean
  for attempt in 1 2 3; do
    base=
    [[ $want == full ]] || IFS=$'\t' read -r base since base_tracked < <(newest_point "$server")
    back_up_once "$server" "$base" && ok "$result"
    local why
    why=$(refusal)
    take_back "$server"
    case $why in
      *'CBT has expired'* | *heckpoint*)
        say_log "the change list has expired; this backup is a full one"
        patiently change PUT "/janus/20180725/servers/$server/cbt/status" '{"type":"reset"}' >/dev/null
        want=full ;;
      copy:* | 000* | 'the backup resource'*) say_log "attempt $attempt: $why"; pause 30000 ;;
      *) die "$why" ;;
    esac
  done
  die "$why"
}

back_up_once() {
  local server=$1 base=$2 detail device size mode=incremental read_bytes=0 run
  enable_tracking "$server" || return 1
  take_snapshot "$server" || return 1
  detail=$(call GET "/janus/20180725/servers/$server/snapshots/$snapshot" '' .) || return 1
  take_lock "$server" backup || return 1
  new=$(mktemp -d "$repo/new.XXXXXX")
  while read -r device size; do
    copy_disk "$server" "$device" "$size" "$base" || return 1
  done < <(jq -r '.vmconf.hardware_option.disks[] | "\(.device_id) \(.size_gb * 1073741824 | round)"' <<<"$detail")
  [[ -e $work/lost ]] && { echo 'the backup resource has ended' >"$work/refusal"; return 1; }
  point=$(commit "$server" "$detail") || { echo "the repository can't be written" >"$work/refusal"; return 1; }
  result="\"point\":\"$point\",\"mode\":\"$mode\",\"readBytes\":$read_bytes"
  take_back "$server"
  return 0
}

# copy_disk SERVER DEVICE SIZE BASE: its image in $new
copy_disk() {
  local server=$1 device=$2 size=$3 old=$repo/points/$4/$2.raw from=0 file=$new/$2.raw start length
  if [[ -n $4 && $tracked == *" $device "* && $base_tracked == *" $device "* && $since != 0 &&
    $(stat -c %s "$old" 2>/dev/null) == "$size" ]]; then
    from=$since
    cp --reflink=auto --sparse=always "$old" "$file" || return 1
  else
    mode=full
  fi
  truncate -s "$size" "$file"
  if [[ $tracked == *" $device "* ]]; then
    changed_areas "$server" "$device" "$snapshot" "$from" "$size" >"$work/areas" || return 1
  else
    echo "0 $size" >"$work/areas"
  fi
  joined <"$work/areas" >"$work/runs"
  disk_options "$device"
  while read -r start length; do
    copy "$disk,offset=$start,size=$length" \
      "driver=raw,offset=$start,size=$length,file.driver=file,file.filename=$file" || return 1
    read_bytes=$((read_bytes + length))
  done <"$work/runs"
}

enable_tracking() {
  local path="/janus/20180725/servers/$1/cbt/status" status
  local filter='"\(all(.disks[]; .is_enabled)) " + ([.disks[] | select(.is_enabled) | .id] | join(" ")) + " "'
  status=$(call GET "$path" '' "$filter") || return 1
  if [[ $status == false* ]]; then
    patiently change PUT "$path" '{"type":"enable"}' >/dev/null
    status=$(call GET "$path" '' "$filter") || return 1
  fi
  tracked=" ${status#* }"
}

take_snapshot() {
  local made name internal
  internal=$(call GET "/janus/20210725/servers/$1/snapshots" '' '.[] | select(.type == "qcow2") | .id') || return 1
  if [[ -n $internal ]]; then
    echo 'the server has internal snapshots; delete them first' >"$work/refusal"
    return 1
  fi
  read -r name </proc/sys/kernel/random/uuid
  name="shengine-$name"
  note server "$1" snapshot_name "$name"
  made=$(patiently change POST "/janus/20190725/servers/$1/snapshots" "{\"name\":\"$name\",\"description\":\"backup\"}") || return 1
  snapshot=$(field resource_id "$made")
}

# Synced, then renamed: from here on it is there.
commit() {
  local count point
  count=$(ls -d "$repo"/points/point-* 2>/dev/null | wc -l)
  point=$(printf 'point-%06d' $((count + 1)))
  jq -c --arg id "$point" --arg server "$1" --arg tracked "$tracked" \
    '{$id, $server, checkpoint: .checkpoint_id, $tracked, vmconf}' <<<"$2" >"$new/point.json" || return 1
  mkdir -p "$repo/points" && sync "$new"/* "$new" && mv "$new" "$repo/points/$point" && sync "$repo/points" && echo "$point"
}

# First the lock, then the snapshot below it. What does not go stays in the note, for the next run.
take_back() {
  rm -rf "$repo"/new.*
  release_lock && delete_snapshots "$(noted server)" "$(noted snapshot_name)" && forget ||
    say_log "left for the next run: $(refusal)"
}
delete_snapshots() { # SERVER NAME
  local round ids id
  [[ -n $2 ]] || return 0
  for round in 1 2 3 4 5; do
    ids=$(call GET "/janus/20210725/servers/$1/snapshots" '' '.[] | select(.name == $name) | .id' --arg name "$2") ||
      { is_gone; return; }
    [[ -n $ids ]] || return 0
    for id in $ids; do patiently change DELETE "/janus/20180725/servers/$1/snapshots/$id" >/dev/null || pause 5000; done
  done
  return 1
}

check_eligible() {
  local reason
  reason=$(pages "/janus/20240725/servers?ids=$1" 'select(.id == $id) | .name + " "
    + if (.type // "hci") != "hci" or ((.vmtype // "vm") | IN("vm", "derive") | not) then "is no VM of an HCI pool"
    elif .os_name == "Backup Proxy" then "is a backup proxy"
    elif .turbo_mode_enabled == 1 or .turbo_mode_enabled == true then "runs in turbo mode"
    elif .application == "desk" and (.revert_mode == 1 or .revert_mode == true) then "reverts at every start"
    elif (.status | IN("running", "stopped") | not) then "is " + .status else "can be backed up" end' --arg id "$1") ||
    die "$(refusal)"
  [[ -n $reason ]] || die "there is no server $1"
  [[ $reason == *' can be backed up' ]] || die "$reason"
}

# ---- Restore

run_restore() {
  local point=$repo/points/$wanted_point server=$target attempt
  [[ -f $point/point.json ]] || die "there is no restore point $wanted_point"
  clean
  if [[ -z $server ]]; then create_server "$point" || { clean; die "$(refusal)"; }; else check_off "$server"; fi
  for attempt in 1 2 3; do
    write_disks "$server" "$point" && release_lock && { forget; ok "\"server\":\"$server\""; }
    local why
    why=$(refusal)
    release_lock
    [[ $why == copy:* || $why == 'the backup resource'* ]] || break
    pause 30000
  done
  clean
  die "$why"
}
write_disks() {
  local file
  take_lock "$1" restore || return 1
  for file in "$2"/*.raw; do
    disk_options "$(basename "$file" .raw)"
    copy "driver=raw,file.driver=file,file.filename=$file" "$disk" || return 1
  done
}
check_off() {
  local status
  status=$(pages "/janus/20240725/servers?ids=$1" 'select(.id == $id) | .status' --arg id "$1") || die "$(refusal)"
  [[ $status == stopped ]] || die "server $1 is not off; shut it down first"
  note server "$1"
}

# Powered off, of the configuration that was backed up, with a mark by which a clean-up knows it.
create_server() {
  local point=$1 name=$new_name mark config stores made same
  read -r mark </proc/sys/kernel/random/uuid
  mark="shengine $mark"
  same=$(pages "/janus/20240725/servers?query_name=$(uri "$name")" 'select(.name == $name) | .id' --arg name "$name") || return 1
  [[ -z $same ]] || { echo "there is a server named $name already" >"$work/refusal"; return 1; }
  stores=$(pages /janus/20200725/storages 'select((.status | IN("normal", "ok", "alarm")) and (.host_ids | length > 0))') || return 1
  config=$(jq -c --arg name "$name" --arg mark "$mark" --slurpfile stores <(echo "$stores") '.vmconf
    | . as $conf
    | ($stores | (map(select(.id == $conf.datastore_id)) + sort_by(.used_mb - .total_mb))[0]) as $store
    | .name = $name | .description = $mark | .az_id = $store.az_id | .datastore_id = $store.id | .host_id = "cluster"
    | .logo = ((.logo // 0) | tonumber? // 0)
    | del(.advanced_option.uuid)
    | if .hardware_option.memory.huge_page_enabled != null
      then .hardware_option.memory |= (.hugepage_enabled = .huge_page_enabled | del(.huge_page_enabled)) else . end
    | .hardware_option.network_adapters |= map(del(.mac_address) | .connected = 0)' "$point/point.json") || return 1
  note new_server "$name" mark "$mark"
  made=$(change POST /janus/20180725/servers/config "$config") || return 1
  server=$(field uuid "$made")
  until [[ $(pages "/janus/20240725/servers?ids=$server" .status) == stopped ]]; do pause 2000; done
}
# uri TEXT: as part of an address; names of servers may hold anything
uri() { if [[ $1 =~ ^[A-Za-z0-9._-]*$ ]]; then printf %s "$1"; else jq -rn --arg text "$1" '$text | @uri'; fi; }

# ---- Clean-up: what the run before has left, and nothing else

clean() {
  [[ -f $repo/run.note ]] || return 0
  rm -rf "$repo"/new.*
  outlive_lock && delete_snapshots "$(noted server)" "$(noted snapshot_name)" && delete_new_server && forget ||
    say_log "left for the next run: $(refusal)"
}
# A lock whose id was never heard ends by itself, since nobody renews it.
outlive_lock() {
  local locked_at left
  if [[ -n $(noted resource) ]]; then
    delete_lock "$(noted resource)"
    return
  fi
  locked_at=$(noted locked_at)
  [[ -n $locked_at ]] || return 0
  left=$((locked_at + 1 + (LOCK_SECONDS + 60) * 1000 / scale_milli - EPOCHSECONDS))
  ((left > 0)) || return 0
  say_log "waiting $left s for the end of a lock that nobody renews"
  sleep "$left"
}
delete_new_server() {
  local name id
  name=$(noted new_server)
  [[ -n $name ]] || return 0
  for id in $(pages "/janus/20240725/servers?query_name=$(uri "$name")" .id); do
    [[ $(call GET "/janus/20240725/servers/$id" '' .description) == "$(noted mark)" ]] || continue
    patiently change DELETE "/janus/20180725/servers/$id" '{"force":1}' >/dev/null || return 1
  done
}

case $operation in
  backup) run_backup full ;;
  incremental) run_backup incremental ;;
  restore) run_restore ;;
  cleanup) clean; ok ;;
  *) die "unknown operation $operation" ;;
esac
