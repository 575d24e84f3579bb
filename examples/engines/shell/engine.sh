#!/usr/bin/env bash
# A backup engine for SCP out of curl, openssl, jq and qemu-img. It speaks the driver protocol of backlot: a job as
# JSON on standard input, JSON lines on standard output.
#
# A point is a folder with raw images and point.json. What a run makes on the platform is noted in run.json before it is
# made, so that the next run can remove what a run that died has left. One run at a time works with a repository.
set -uo pipefail

readonly LOCK_SECONDS=600 RENEW_MS=45000 ANSWER_MS=60000 POLL_MS=500 BUSY_ROUNDS=60 COPY_MS=600000

job=$(cat)
eval "$(jq -r '@sh "operation=\(.operation) url=\(.platform.scpUrl) ca_file=\(.platform.caFile) nbd_port=\(.platform.nbdPort)
  access_key=\(.platform.credentials.accessKey // "") secret_key=\(.platform.credentials.secretKey // "")
  scale_milli=\(.timeScale * 1000 | floor) transport=\(.transport) repo=\(.repository) server=\(.server.id // "")
  wanted_point=\(.restore.point // "") new_name=\(.restore.to.newName // "") target=\(.restore.to.server // "")"' <<<"$job")"
work=$(mktemp -d)
mkdir -p "$repo"

say_log() { jq -nc --arg message "$1" '{type: "log", message: $message}'; }
ok() { jq -nc "{type: \"result\", result: \"ok\"} + $1"; exit 0; }
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

sha256() { read -r hash _ < <(printf %s "$1" | openssl dgst -sha256 -r); }
hmac() { read -r hash _ < <(printf %s "$2" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" -r); }

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
  sha256 "$3"
  sha256 "$1"$'\n'"$2"$'\n\n'"x-amz-date:$stamp"$'\n\n'"x-amz-date"$'\n'"$hash"
  hmac "$signing_key" "AWS4-HMAC-SHA256"$'\n'"$stamp"$'\n'"$scope"$'\n'"$hash"
  authorization="AWS4-HMAC-SHA256 Credential=$access_key/$scope, SignedHeaders=x-amz-date, Signature=$hash"
}
sign GET / ''

# call METHOD PATH[?QUERY] [BODY]: the answer's data on standard output. Otherwise: status 1, and "STATUS MESSAGE" in
# the file refusal; STATUS is 000 when nobody answered. A repeated call keeps its client token.
call() {
  local method=$1 target=$2 body=${3:-} token attempt status answer seconds
  read -r token </proc/sys/kernel/random/uuid
  ours "${answer_ms:-$ANSWER_MS}" 1000
  for attempt in 1 2 3 4 5 6; do
    ((attempt == 1)) || pause $((attempt * attempt * 5000))
    sign "$method" "${target%%\?*}" "$body"
    answer=$work/answer.$BASHPID
    status=$(curl -sS -o "$answer" -w '%{http_code}' --cacert "$ca_file" -X "$method" "$url$target" \
      --max-time "$seconds" -H 'Content-Type: application/json' -H "X-Amz-Date: $stamp" \
      -H "Authorization: $authorization" -H "X-Client-Token: $token" ${body:+--data-binary "$body"} 2>>"$work/curl.log")
    if [[ $status == 2?? ]]; then
      jq -ce .data "$answer" 2>/dev/null && return 0
      [[ ! -s $answer ]] && return 0
      status=000
    fi
    echo "$status $(jq -r '.message? // empty' "$answer" 2>/dev/null)" >"$work/refusal"
    [[ $status == 000 || $status == 429 || $status == 5?? ]] || return 1
  done
  return 1
}
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

# pages PATH: all items of a list, one per line
pages() {
  local page=0 data
  while [[ $page != "" ]]; do
    data=$(call GET "$1$([[ $1 == *\?* ]] && echo '&' || echo '?')page_num=$page&page_size=100") || return 1
    jq -c '.data[]' <<<"$data"
    page=$(jq -r .next_page_num <<<"$data")
  done
}

# wait_for TASK: its failure is the refusal
wait_for() {
  local task
  while task=$(call GET "/janus/20180725/tasks/$1"); do
    case $(jq -r .status <<<"$task") in
      finish) return 0 ;;
      failure | canceled) jq -r '"task " + .action + ": " + .description' <<<"$task" >"$work/refusal"; return 1 ;;
    esac
    pause "$POLL_MS"
  done
  return 1
}

# change METHOD PATH [BODY]: a call that is carried out as a task
change() {
  local made
  made=$(call "$@") || return 1
  wait_for "$(jq -r .task_id <<<"$made")" && echo "$made"
}

# ---- What this run has made

note() { # note KEY VALUE [KEY VALUE]...
  local new
  new=$(jq -c '. + ([$ARGS.positional | _nwise(2) | {(.[0]): .[1]}] | add)' "$(run_file)" --args "$@")
  printf %s "$new" >"$repo/run.new" && sync "$repo/run.new" && mv "$repo/run.new" "$repo/run.json"
}
run_file() { [[ -f $repo/run.json ]] || echo '{}' >"$repo/run.json"; echo "$repo/run.json"; }
noted() { jq -r ".$1 // empty" "$repo/run.json" 2>/dev/null; }
forget() { rm -f "$repo/run.json"; }

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
  note resource "$(jq -r .resource_id <<<"$made")" locked_at ''
  wait_for "$(jq -r .task_id <<<"$made")" || return 1
  while state=$(call GET "$(resource_path "$(noted resource)")"); do
    case $(jq -r .status <<<"$state") in
      running) echo "$state" >"$work/lock.json"; return 0 ;;
      pending) pause "$POLL_MS" ;;
      *) echo "the backup resource is $(jq -r .status <<<"$state")" >"$work/refusal"; return 1 ;;
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
    [[ $(jq -r .status <<<"$state") =~ ^(pending|running)$ ]] || return 0
    change DELETE "$(resource_path "$1")" >/dev/null || pause 5000
  done
  return 1
}

# ---- The data path: ranges of disks through qemu-img

# disk_options DEVICE: an NBD export as qemu sees it
disk_options() {
  local host
  host=$(pages /janus/20240725/hosts | jq -r --arg id "$(jq -r .host_id "$work/lock.json")" 'select(.id == $id) | .ip')
  tls=()
  local options="file.driver=nbd,file.server.type=inet,file.server.host=$host,file.server.port=$nbd_port,file.export=$lock/$1"
  if [[ $transport == nbdssl ]]; then
    { echo '-----BEGIN CERTIFICATE-----'; jq -r .ca_cert "$work/lock.json" | fold -w 64; echo '-----END CERTIFICATE-----'; } \
      >"$work/ca-cert.pem"
    tls=(--object "tls-creds-x509,id=tls0,endpoint=client,dir=$work")
    options+=",file.tls-creds=tls0"
  fi
  disk="driver=raw,$options"
}

# copy SOURCE-OPTIONS TARGET-OPTIONS: ended when the lock is lost or nothing comes for too long
copy() {
  local seconds
  ours "$COPY_MS" 20000
  timeout "$seconds" qemu-img convert -n -t writeback "${tls[@]}" --image-opts "$1" \
    --target-image-opts "$2" 2>"$work/copy.log" &
  local copier=$!
  while kill -0 "$copier" 2>/dev/null; do
    [[ -e $work/lost ]] && kill "$copier" 2>/dev/null
    sleep 0.02
  done
  wait "$copier" && [[ ! -e $work/lost ]] && return 0
  echo "copy: $(tail -c 200 "$work/copy.log")" >"$work/refusal"
  return 1
}

# ---- Backup

# changed_areas SERVER DEVICE SNAPSHOT CHECKPOINT SIZE: "START LENGTH" per line, from all pages
changed_areas() {
  local start=0 page
  while ((start < $5)); do
    page=$(call GET "/janus/20180725/servers/$1/cbt/changed-areas?disk_id=$2&snapshot_id=$3&checkpoint_id=$4&start_offset=$start") || return 1
    jq -r --argjson size "$5" '.changed_area[] | "\(.start) \([.length, $size - .start] | min)"' <<<"$page"
    start=$(jq -r --argjson start "$start" 'if .start_offset == $start and .length > 0 then $start + .length else empty end' <<<"$page")
    [[ -n $start ]] || { echo "copy: a page of the change list does not fit" >"$work/refusal"; return 1; }
  done
}

# Whole runs, since every copy opens a connection of its own: areas closer than 1 MiB become one.
joined() { awk 'NR > 1 && $1 - end <= 1048576 { end = $1 + $2; next } NR > 1 { print start, end - start } { start = $1; end = $1 + $2 } END { if (NR) print start, end - start }'; }

newest_point() { # of a server
  local file
  for file in $(ls -r "$repo"/points/point-*/point.json 2>/dev/null); do
    [[ $(jq -r .server "$file") == "$1" ]] && { dirname "$file"; return; }
  done
}

run_backup() {
  local want=$1 base tracked attempt
  check_eligible "$server"
  clean
  for attempt in 1 2 3; do
    base=
    [[ $want == full ]] || base=$(newest_point "$server")
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
  local server=$1 base=$2 detail device size checkpoint mode=incremental read_bytes=0 run
  enable_tracking "$server" || return 1
  take_snapshot "$server" || return 1
  detail=$(call GET "/janus/20180725/servers/$server/snapshots/$snapshot") || return 1
  take_lock "$server" backup || return 1
  new=$(mktemp -d "$repo/new.XXXXXX")
  checkpoint=$(jq -r .checkpoint_id <<<"$detail")
  while read -r device size; do
    copy_disk "$server" "$device" "$size" "$base" || return 1
  done < <(jq -r '.vmconf.hardware_option.disks[] | "\(.device_id) \(.size_gb * 1073741824 | round)"' <<<"$detail")
  [[ -e $work/lost ]] && { echo 'the backup resource has ended' >"$work/refusal"; return 1; }
  point=$(commit "$server" "$checkpoint" "$detail") || { echo "the repository can't be written" >"$work/refusal"; return 1; }
  result="{point: \"$point\", mode: \"$mode\", readBytes: $read_bytes}"
  take_back "$server"
  return 0
}

# copy_disk SERVER DEVICE SIZE BASE: its image in $new
copy_disk() {
  local server=$1 device=$2 size=$3 base=$4 since=0 file=$new/$2.raw start length
  if [[ -n $base && $tracked == *" $device "* && " $(jq -r '.tracked' "$base/point.json") " == *" $device "* &&
    $(jq -r .checkpoint "$base/point.json") != 0 && $(stat -c %s "$base/$device.raw" 2>/dev/null) == "$size" ]]; then
    since=$(jq -r .checkpoint "$base/point.json")
    cp --reflink=auto --sparse=always "$base/$device.raw" "$file" || return 1
  else
    mode=full
  fi
  truncate -s "$size" "$file"
  if [[ $tracked == *" $device "* ]]; then
    changed_areas "$server" "$device" "$snapshot" "$since" "$size" >"$work/areas" || return 1
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
  status=$(call GET "$path") || return 1
  if jq -e 'any(.disks[]; .is_enabled | not)' <<<"$status" >/dev/null; then
    patiently change PUT "$path" '{"type":"enable"}' >/dev/null
    status=$(call GET "$path") || return 1
  fi
  tracked=" $(jq -r '[.disks[] | select(.is_enabled) | .id] | join(" ")' <<<"$status") "
}

take_snapshot() {
  local made name
  if [[ -n $(call GET "/janus/20210725/servers/$1/snapshots" | jq -c '.[] | select(.type == "qcow2")') ]]; then
    echo 'the server has internal snapshots; delete them first' >"$work/refusal"
    return 1
  fi
  read -r name </proc/sys/kernel/random/uuid
  name="shengine-$name"
  note server "$1" snapshot_name "$name"
  made=$(patiently change POST "/janus/20190725/servers/$1/snapshots" "{\"name\":\"$name\",\"description\":\"backup\"}") || return 1
  snapshot=$(jq -r .resource_id <<<"$made")
}

# Synced, then renamed: from here on it is there.
commit() {
  local count point
  count=$(ls -d "$repo"/points/point-* 2>/dev/null | wc -l)
  point=$(printf 'point-%06d' $((count + 1)))
  jq -c --arg server "$1" --arg checkpoint "$2" --arg tracked "$tracked" \
    '{$server, $checkpoint, $tracked, vmconf}' <<<"$3" >"$new/point.json" || return 1
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
    ids=$(call GET "/janus/20210725/servers/$1/snapshots") || { is_gone; return; }
    ids=$(jq -r --arg name "$2" '.[] | select(.name == $name) | .id' <<<"$ids")
    [[ -n $ids ]] || return 0
    for id in $ids; do patiently change DELETE "/janus/20180725/servers/$1/snapshots/$id" >/dev/null || pause 5000; done
  done
  return 1
}

check_eligible() {
  local server
  server=$(pages "/janus/20240725/servers?ids=$1" | jq -c --arg id "$1" 'select(.id == $id)')
  [[ -n $server ]] || die "there is no server $1"
  local reason
  reason=$(jq -r 'if (.type // "hci") != "hci" or ((.vmtype // "vm") | IN("vm", "derive") | not) then "is no VM of an HCI pool"
    elif .os_name == "Backup Proxy" then "is a backup proxy"
    elif .turbo_mode_enabled == 1 or .turbo_mode_enabled == true then "runs in turbo mode"
    elif .application == "desk" and (.revert_mode == 1 or .revert_mode == true) then "reverts at every start"
    elif (.status | IN("running", "stopped") | not) then "is " + .status else empty end' <<<"$server")
  [[ -z $reason ]] || die "$(jq -r .name <<<"$server") $reason"
}

# ---- Restore

run_restore() {
  local point=$repo/points/$wanted_point server=$target attempt
  [[ -f $point/point.json ]] || die "there is no restore point $wanted_point"
  clean
  if [[ -z $server ]]; then create_server "$point" || { clean; die "$(refusal)"; }; else check_off "$server"; fi
  for attempt in 1 2 3; do
    write_disks "$server" "$point" && release_lock && { forget; ok "{server: \"$server\"}"; }
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
  local server
  server=$(pages "/janus/20240725/servers?ids=$1" | jq -c --arg id "$1" 'select(.id == $id)')
  [[ $(jq -r .status <<<"$server") == stopped ]] || die "server $1 is not off; shut it down first"
  note server "$1"
}

# Powered off, of the configuration that was backed up, with a mark by which a clean-up knows it.
create_server() {
  local point=$1 name=$new_name mark config stores made
  read -r mark </proc/sys/kernel/random/uuid
  mark="shengine $mark"
  [[ -z $(pages "/janus/20240725/servers?query_name=$(jq -rn --arg name "$name" '$name | @uri')" |
    jq -c --arg name "$name" 'select(.name == $name)') ]] || { echo "there is a server named $name already" >"$work/refusal"; return 1; }
  stores=$(pages /janus/20200725/storages | jq -sc 'map(select((.status | IN("normal", "ok", "alarm")) and (.host_ids | length > 0)))') || return 1
  config=$(jq -c --arg name "$name" --arg mark "$mark" --argjson stores "$stores" '.vmconf
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
  server=$(jq -r .uuid <<<"$made")
  until [[ $(pages "/janus/20240725/servers?ids=$server" | jq -r .status) == stopped ]]; do pause 2000; done
}

# ---- Clean-up: what the run before has left, and nothing else

clean() {
  [[ -f $repo/run.json ]] || return 0
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
  for id in $(pages "/janus/20240725/servers?query_name=$(jq -rn --arg name "$name" '$name | @uri')" | jq -r .id); do
    [[ $(call GET "/janus/20240725/servers/$id" | jq -r .description) == "$(noted mark)" ]] || continue
    patiently change DELETE "/janus/20180725/servers/$id" '{"force":1}' >/dev/null || return 1
  done
}

case $operation in
  backup) run_backup full ;;
  incremental) run_backup incremental ;;
  restore) run_restore ;;
  cleanup) clean; ok '{}' ;;
  *) die "unknown operation $operation" ;;
esac
