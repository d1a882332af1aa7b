# Fetches the program that was released with this commit, holds it to the checksum
# that the commit has, and becomes it. It needs bash, which other shells can't
# stand in for: they drop variables with a dash in their names, such as
# INPUT_API-KEY. macOS has bash 3.2.
set -euo pipefail

# end STATUS REASON MESSAGE writes the outputs that later steps read, before the
# program can.
end() {
  echo "::error title=Pipecat Cloud Deploy::$3"
  printf '%s\n' "status=$1" changed=false "failure-reason=$2" "failure-message=$3" >>"${GITHUB_OUTPUT:-/dev/null}"
  exit 1
}
fail() { end failed internal "$*"; }

# A job that is stopped ends here until the program has begun.
cancelled() {
  kill $(jobs -p) 2>/dev/null || true
  end cancelled cancelled 'The job was stopped before the program started. Nothing was deployed.'
}
trap cancelled INT TERM

case ${RUNNER_OS-}-${RUNNER_ARCH-} in
Linux-X64) target=linux-amd64 ;;
Linux-ARM64) target=linux-arm64 ;;
macOS-X64) target=darwin-amd64 ;;
macOS-ARM64) target=darwin-arm64 ;;
Windows-X64 | Windows-ARM64) target=windows-amd64 ;; # Windows on ARM runs programs for x64
*) fail "There is no program for this runner: ${RUNNER_OS:-no RUNNER_OS} on ${RUNNER_ARCH:-no RUNNER_ARCH}. Use a runner with Linux, macOS or Windows, on x64 or arm64." ;;
esac
program=pipecat-cloud-deploy
[ "$target" != windows-amd64 ] || program=$program.exe

# The release writes this file. Each line has an archive's checksum and address.
release=$(dirname "$0")/release
[ -f "$release" ] || fail 'This commit is not a release, so it has no program to fetch. Use a release, such as @v1.'
sum='' url=''
while read -r word address; do
  case ${address%$'\r'} in *-"$target.tar.gz") sum=$word url=${address%$'\r'} ;; esac
done <"$release"
[ -n "$url" ] || fail "This release has no program for $target."

checksum='sha256sum'
command -v $checksum >/dev/null || checksum='shasum -a 256' # as macOS has it
for tool in curl gzip tar "${checksum%% *}"; do
  command -v "$tool" >/dev/null || fail "This runner has no ${tool/#shasum/sha256sum or shasum}, which is needed to fetch the program. Install it."
done

temp=${RUNNER_TEMP:-/tmp}
dir=$temp/$(cd "$temp" && mktemp -d pipecat-cloud-deploy.XXXXXX) ||
  fail "No folder could be made in $temp. Nothing was deployed. Check this runner's disk, and who may write there."

# curl 7.71 and newer also try again where a connection is reset.
retry=--retry-connrefused
! curl --retry-all-errors --version >/dev/null 2>&1 || retry=--retry-all-errors

# The download runs in the background, since bash keeps a signal until the command that
# it waits for in the foreground ends.
curl --proto '=https,file' --proto-redir '=https' --fail --silent --show-error --location \
  --connect-timeout 20 --max-time 120 --retry 3 $retry --output "$dir/archive" "$url" &
wait $! ||
  fail "The program could not be downloaded from $url. Nothing was deployed. Rerun the job; if it fails again, check that this runner may reach that address."
read -r got _ < <($checksum <"$dir/archive") || true
[ -n "$got" ] || fail "The checksum of the program could not be computed by $checksum. Nothing was run, and nothing was deployed."
[ "$got" = "$sum" ] ||
  fail "What $url has is not what was released: its checksum is $got, and this commit has $sum. Nothing was run, and nothing was deployed. Do not rerun the job; report it as SECURITY.md says."
(cd "$dir" && gzip -dc <archive | tar -xf - && rm archive) ||
  fail "The program could not be unpacked in $dir. Nothing was deployed. Check the space left on this runner."

# On Windows, Git's bash rewrites what looks like a path for a program that is not its
# own: /app would become C:/Program Files/Git/app, also in a secret.
export MSYS_NO_PATHCONV=1 MSYS2_ENV_CONV_EXCL='*' MSYS2_ARG_CONV_EXCL='*'
trap - INT TERM # they are the program's now
exec "$dir/$program"
