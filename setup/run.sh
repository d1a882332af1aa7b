# Fetches the program that was released with this commit, holds it to the checksum
# that the commit has, and becomes it. It needs bash, which other shells can't
# stand in for: they drop variables with a dash in their names, such as
# INPUT_API-KEY. macOS has bash 3.2.
set -euo pipefail

fail() {
  echo "::error title=Pipecat Cloud Deploy::$*"
  # The outputs that later steps read: they say so before the program can.
  printf '%s\n' status=failed changed=false failure-reason=internal "failure-message=$*" >>"${GITHUB_OUTPUT:-/dev/null}"
  exit 1
}

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

for tool in curl gzip tar; do
  command -v "$tool" >/dev/null || fail "This runner has no $tool, which is needed to fetch the program. Install $tool."
done
checksum() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi
}

dir=$(cd "${RUNNER_TEMP:-/tmp}" && mktemp -d pipecat-cloud-deploy.XXXXXX)
dir=${RUNNER_TEMP:-/tmp}/$dir
curl --proto '=https,file' --proto-redir '=https' --fail --silent --show-error --location \
  --connect-timeout 20 --max-time 120 --retry 3 --output "$dir/archive" "$url" ||
  fail "The program could not be downloaded from $url. Nothing was deployed. Rerun the job; if it fails again, check that this runner may reach that address."
read -r got _ < <(checksum <"$dir/archive") || true
[ "$got" = "$sum" ] ||
  fail "What $url has is not what was released: its checksum is ${got:-unknown}, and this commit has $sum. Nothing was run, and nothing was deployed. Do not rerun the job; report it as SECURITY.md says."
(cd "$dir" && gzip -dc <archive | tar -xf - && rm archive) ||
  fail "The program could not be unpacked in $dir. Nothing was deployed. Check the space left on this runner."
exec "$dir/$program"
