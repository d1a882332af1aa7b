package repo

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/version"
)

// mistake is what somebody may do to a file, and the test that finds it: the text from,
// where it is first, becomes to.
type mistake struct{ what, file, from, to, test string }

const (
	ciYML        = ".github/workflows/ci.yml"
	releaseYML   = ".github/workflows/release.yml"
	publishedYML = ".github/workflows/published.yml"
	weeklyYML    = ".github/workflows/weekly.yml"
	e2eYML       = ".github/workflows/e2e.yml"
	imageYML     = "examples/image-on-tag.yml"
	checkoutPin  = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
)

// account is whose repository this is.
var account, _, _ = strings.Cut(version.Repository, "/")

// mistakes are those that were once made on purpose and found by nothing, and others
// of their kinds.
var mistakes = []mistake{
	{"an action by its tag", weeklyYML, checkoutPin, "actions/checkout@v7", "TestWorkflows"},
	{"an action by its tag, quoted", publishedYML, "uses: actions/setup-go@b7ad1dad31e06c5925ef5d2fc7ad053ef454303e # v7.0.0", `"uses": "actions/setup-go@v7"`, "TestWorkflows"},
	{"an action by a short hash", ciYML, checkoutPin, "actions/checkout@3d3c42e # v7.0.1", "TestWorkflows"},
	{"an action by its branch, in an example", imageYML, checkoutPin, "actions/checkout@main", "TestWorkflows"},
	{"a commit without its version", imageYML, checkoutPin, "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", "TestWorkflows"},
	{"another version behind the same commit", weeklyYML, "# v7.0.1", "# v7.0.2", "TestActions"},
	{"another commit before the same version", imageYML, "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", "actions/checkout@4d3c42e5aac5ba805825da76410c181273ba90b1", "TestActions"},
	{"two commits of one repository's actions", ".github/workflows/codeql.yml", "analyze@9e907b5e64f6b83e7804b09294d44122997950d6", "analyze@8e907b5e64f6b83e7804b09294d44122997950d6", "TestActions"},
	{"an input in a script", releaseYML, `.ci/release check "$VERSION"`, `.ci/release check "${{ inputs.version }}"`, "TestWorkflows"},
	{"a branch's name in a script", ciYML, "run: .ci/binaries", "run: echo ${{ github.head_ref }}; .ci/binaries", "TestWorkflows"},
	{"an expression in an example's script", imageYML, "    steps:\n", "    steps:\n      - run: echo ${{ github.event.head_commit.message }}\n", "TestWorkflows"},
	{"no permissions", ciYML, "permissions:\n  contents: read\n", "", "TestWorkflows"},
	{"all permissions", ciYML, "permissions:\n  contents: read\n", "permissions: write-all\n", "TestWorkflows"},
	{"every job may write", e2eYML, "permissions:\n  contents: read\n", "permissions:\n  contents: write\n", "TestWorkflows"},
	{"a job that may write more", releaseYML, "    permissions:\n      id-token: write # who attests\n", "    permissions:\n      contents: write\n      id-token: write # who attests\n", "TestWorkflows"},
	{"a permission that there is not", imageYML, "packages: write", "package: write", "TestWorkflows"},
	{"a checkout that leaves its token", ciYML, "          persist-credentials: false\n", "", "TestWorkflows"},
	{"a checkout that keeps its token", imageYML, "persist-credentials: false", "persist-credentials: true", "TestWorkflows"},
	{"a job without a timeout", weeklyYML, "    timeout-minutes: 15\n", "", "TestWorkflows"},
	{"the rights of the base for a pull request", ciYML, "  pull_request:\n", "  pull_request_target:\n", "TestWorkflows"},
	{"rights for what another workflow made", e2eYML, "  pull_request:\n", "  workflow_run: {workflows: [CI]}\n", "TestWorkflows"},
	{"a release by a pushed tag", releaseYML, "on:\n", "on:\n  push: {tags: ['v*']}\n", "TestWorkflows"},
	{"a release without a person in between", releaseYML, "    environment: release\n", "", "TestWorkflows"},
	{"a cache in a release", releaseYML, "          cache: false\n", "", "TestWorkflows"},
	{"a release that may be cancelled halfway", releaseYML, "cancel-in-progress: false", "cancel-in-progress: true", "TestWorkflows"},
	{"every secret for a called workflow", "examples/reusable-caller.yml", "    secrets: # of the repository or the organization; one of an environment only comes along with \"inherit\"\n      PIPECAT_API_KEY: ${{ secrets.PIPECAT_API_KEY }}\n", "    secrets: inherit\n", "TestWorkflows"},
	{"a secret for every step", imageYML, "env:\n", "env:\n  KEY: ${{ secrets.PIPECAT_API_KEY }}\n", "TestWorkflows"},
	{"a script from the network", ciYML, "run: go build ./...", "run: curl -sSf https://example.com/install | sh", "TestWorkflows"},
	{"a check that may fail", ciYML, "run: .ci/run", "run: .ci/run || true", "TestWorkflows"},
	{"a check that may fail, by its step", ciYML, "        run: .ci/binaries", "        continue-on-error: true\n        run: .ci/binaries", "TestWorkflows"},
	{"a job that is turned off", ciYML, "  image:\n", "  image:\n    if: false\n", "TestWorkflows"},
	{"an input that an action does not have", releaseYML, "if-no-files-found: error", "if-no-file-found: error", "TestWorkflows"},
	{"a value that an action does not know", releaseYML, "if-no-files-found: error", "if-no-files-found: fail", "TestWorkflows"},
	{"an input that an action does not have, in an example", imageYML, "          push: true\n", "          pushed: true\n", "TestWorkflows"},
	{"an action that nobody looked at", weeklyYML, "      - name: Known", "      - uses: somebody/something@3d3c42e5aac5ba805825da76410c181273ba90b1 # v1.0.0\n      - name: Known", "TestWorkflows"},
	{"an input that this action does not have", imageYML, "secret-set:", "secrets-set:", "TestExamples"},
	{"the check is not run", ciYML, "run: .ci/run\n", "run: go test ./...\n", "TestGates"},
	{"vulnerabilities are not looked for", weeklyYML, "run: .ci/tool govulncheck ./...", "run: go vet ./...", "TestGates"},
	{"the weekly check has no schedule", weeklyYML, "  schedule:\n    - cron: '41 4 * * 1'\n", "", "TestGates"},
	{"pages are not checked", ciYML, "  pull_request:\n", "  pull_request:\n    paths-ignore: ['**.md']\n", "TestGates"},
	{"a step of the check is taken out", ".ci/run", "step go vet ./...\n", "", "TestGates"},
	{"a step of the check may fail", ".ci/run", "step .ci/tool staticcheck ./...", "step .ci/tool staticcheck ./... || true", "TestGates"},
	{"a script that continues after a failure", ".ci/binaries", "set -euo pipefail", "set -u", "TestGates"},
	{"an update that can't be read", ".github/dependabot.yml", "interval: weekly", "intervall: weekly", "TestDependabot"},
	{"updates at no known interval", ".github/dependabot.yml", "interval: weekly", "interval: fortnightly", "TestDependabot"},
	{"updates of a folder that there is not", ".github/dependabot.yml", "directory: /tools", "directory: /tool", "TestDependabot"},
	{"updates of half the versions", ".github/dependabot.yml", "package-ecosystem: docker", "package-ecosystem: gomod", "TestDependabot"},
	{"updates on the day of their release", ".github/dependabot.yml", "{default-days: 7}", "{default-days: 0}", "TestDependabot"},
	{"a form that can't be read", ".github/ISSUE_TEMPLATE/bug.yml", "type: dropdown", "type: select", "TestForms"},
	{"a form with one id twice", ".github/ISSUE_TEMPLATE/bug.yml", "id: version", "id: happened", "TestForms"},
	{"a form with an unknown key", ".github/ISSUE_TEMPLATE/hint.yml", "labels: [hint]", "label: [hint]", "TestForms"},
	{"a file that nobody owns", ".github/CODEOWNERS", "/setup/ @" + account + "\n", "", "TestCodeOwners"},
	{"an owner of what is not there", ".github/CODEOWNERS", "/setup/", "/set-up/", "TestCodeOwners"},
	{"notes that no release finds", "CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n## Version 1.0.0\n", "TestChangelog"},
	{"somebody else's account", "SECURITY.md", "[docs/security.md]", "https://github.com/" + account + "s/pipecat-cloud-deploy/x [docs/security.md]", "TestAddresses"},
	{"a tool at a second version", weeklyYML, "run: .ci/tool govulncheck ./...", "run: go run golang.org/x/vuln/cmd/" + "govulncheck@v1.0.0 ./...", "TestTools"},
	{"a tool that there is not", weeklyYML, ".ci/tool govulncheck", ".ci/tool vulncheck", "TestTools"},
	{"another Go in the image", "Dockerfile", "golang:1.26", "golang:1.25", "TestGoVersion"},
	{"another Go for the tools", "tools/go.mod", "toolchain go1.26.8", "toolchain go1.26.7", "TestGoVersion"},
	{"an output that one action lacks", "setup/action.yml", "    value: ${{ steps.deploy.outputs.status }}\n", "", "TestDocs"},
	{"an input that is not passed on", "setup/action.yml", "        INPUT_REGION: ${{ inputs.region }}\n", "", "TestDocs"},
	{"a program that is not verified", "setup/run.sh", `[ "$got" = "$sum" ]`, `[ -n "$got" ]`, "TestSetupRefuses"},
	{"an action by its tag, in one line", weeklyYML, "      - uses: " + checkoutPin + "\n        with:\n          persist-credentials: false\n", "      - {uses: actions/checkout@v7, with: {persist-credentials: false}}\n", "TestWorkflows"},
	{"an image by its tag", weeklyYML, "      - name: Known", "      - uses: docker://alpine:3\n      - name: Known", "TestWorkflows"},
	{"a job in an image by its tag", weeklyYML, "    timeout-minutes: 15\n", "    timeout-minutes: 15\n    container: golang:1.26\n", "TestWorkflows"},
	{"a timeout of six hours", ciYML, "timeout-minutes: 60", "timeout-minutes: 360", "TestWorkflows"},
	{"somebody's own machine", ciYML, "runs-on: ubuntu-latest", "runs-on: [self-hosted, linux]", "TestWorkflows"},
	{"an output by a line of the log", releaseYML, "run: .ci/build", "run: echo '::set-output name=x::y'; .ci/build", "TestWorkflows"},
	{"the newest of a program", ciYML, "run: go build ./...", "run: go install example.com/some/tool@latest", "TestWorkflows"},
	{"a draft that waits for no stranger", releaseYML, "needs: [image, files, stranger]", "needs: [image, files]", "TestWorkflows"},
	{"an image that waits for no test", releaseYML, "    needs: test\n", "", "TestWorkflows"},
	{"a step that continues after a failure", releaseYML, "      - name: Draft the release\n", "      - name: Draft the release\n        if: always()\n", "TestWorkflows"},
	{"a job that is turned off by an expression", ciYML, "  pins:\n", "  pins:\n    if: ${{ false }}\n", "TestWorkflows"},
	{"a secret in a workflow of this repository", ciYML, "run: .ci/links pins", "env: {TOKEN: \"${{ secrets.TOKEN }}\"}\n        run: .ci/links pins", "TestWorkflows"},
	{"a check that one command does not run", ".ci/all", "step .ci/binaries\n", "", "TestAll"},
	{"an action that runs another image", "action.yml", "image: Dockerfile", "image: docker://ghcr.io/somebody/pipecat-cloud-deploy:latest", "TestActionFiles"},
	{"a shell that drops inputs", "setup/action.yml", "shell: bash", "shell: sh", "TestActionFiles"},
	{"an input in the composite action's script", "setup/action.yml", `run: exec bash "$GITHUB_ACTION_PATH/run.sh"`, "run: echo ${{ inputs.image }}", "TestActionFiles"},
	{"an image of any branch passes", "docs/security.md", " \\\n      --source-ref refs/heads/main", "", "TestVerifyLines"},
	{"a link to a page that is not there", "SECURITY.md", "(docs/security.md)", "(docs/secure.md)", "TestLinks"},
	{"a picture that is not there", "README.md", `srcset="docs/images/failed-dark.png"`, `srcset="docs/images/dark.png"`, "TestLinks"},
	{"pictures that are not looked at", ciYML, "run: .ci/pictures\n", "run: go vet ./cmd/pictures\n", "TestGates"},
}

// TestMistakes makes each mistake in a copy of the repository, and sees the test that
// is named find it. Each of these tests passes in the copy without a mistake.
func TestMistakes(t *testing.T) {
	t.Parallel()
	dir := copied(t)
	for _, test := range testsOf(mistakes) {
		if out, err := runIn(dir, test); err != nil {
			t.Fatalf("%s fails without a mistake: %s", test, out)
		}
	}
	for _, m := range mistakes {
		t.Run(m.what+", by "+m.test, func(t *testing.T) {
			file := filepath.Join(dir, m.file)
			before := read(t, file)
			if !strings.Contains(before, m.from) {
				t.Fatalf("%s has no %q", m.file, m.from)
			}
			rewrite(t, file, strings.Replace(before, m.from, m.to, 1))
			defer rewrite(t, file, before)
			out, err := runIn(dir, m.test)
			if err == nil || !strings.Contains(out, "--- FAIL: "+m.test) {
				t.Errorf("%s does not find it: %v\n%s", m.test, err, out)
			}
		})
	}
}

// testsOf are the tests that find the mistakes, each once.
func testsOf(mistakes []mistake) (tests []string) {
	seen := map[string]bool{}
	for _, m := range mistakes {
		if !seen[m.test] {
			seen[m.test] = true
			tests = append(tests, m.test)
		}
	}
	return tests
}

// runIn runs a test of this package in a copy.
func runIn(dir, test string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	cmd := exec.Command(self, "-test.run", "^"+test+"$")
	cmd.Dir = filepath.Join(dir, "internal", "repo")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// rewrite changes a file and leaves its mode.
func rewrite(t *testing.T, file, text string) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), info.Mode()); err != nil {
		t.Fatal(err)
	}
}

// copied is a copy of the repository's files, as they are now.
func copied(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts(t) {
		to := filepath.Join(dir, filepath.FromSlash(name))
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, []byte(text), info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
