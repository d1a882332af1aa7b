package repo

import (
	"fmt"
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
	ciYML         = ".github/workflows/ci.yml"
	releaseYML    = ".github/workflows/release.yml"
	publishedYML  = ".github/workflows/published.yml"
	weeklyYML     = ".github/workflows/weekly.yml"
	e2eYML        = ".github/workflows/e2e.yml"
	codeqlYML     = ".github/workflows/codeql.yml"
	dependabotYML = ".github/dependabot.yml"
	bugYML        = ".github/ISSUE_TEMPLATE/bug.yml"
	imageYML      = "examples/image-on-tag.yml"
	tagYML        = "examples/cloud-build-on-tag.yml"
	checkoutPin   = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
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
	{"two commits of one repository's actions", codeqlYML, "analyze@9e907b5e64f6b83e7804b09294d44122997950d6", "analyze@8e907b5e64f6b83e7804b09294d44122997950d6", "TestActions"},
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
	{"an update that can't be read", dependabotYML, "interval: weekly", "intervall: weekly", "TestDependabot"},
	{"updates at no known interval", dependabotYML, "interval: weekly", "interval: fortnightly", "TestDependabot"},
	{"updates of a folder that there is not", dependabotYML, "directory: /tools", "directory: /tool", "TestDependabot"},
	{"updates of half the versions", dependabotYML, "package-ecosystem: docker", "package-ecosystem: gomod", "TestDependabot"},
	{"updates on the day of their release", dependabotYML, "{default-days: 7}", "{default-days: 0}", "TestDependabot"},
	{"a form that can't be read", bugYML, "type: dropdown", "type: select", "TestForms"},
	{"a form with one id twice", bugYML, "id: version", "id: happened", "TestForms"},
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
	{"a program that is not verified", "setup/run.sh", `[ "$got" = "$sum" ]`, `[ -n "$got" ]`, "TestSetupDistrusts"},
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

	// Checks that do not check.
	{"tests that are left out", ciYML, "jobs:\n", "env: {GOFLAGS: -run=nothing}\njobs:\n", "TestWorkflows"},
	{"a check of main alone", ciYML, "  binaries:\n", "  binaries:\n    if: github.ref == 'refs/heads/main'\n", "TestWorkflows"},
	{"a check once it is too late", ciYML, "  pull_request:\n", "  pull_request: {types: [closed]}\n", "TestGates"},
	{"a check of another branch", ciYML, "  pull_request:\n", "  pull_request: {branches: [other]}\n", "TestGates"},
	{"a check of a branch that is not there", e2eYML, "branches: [main,", "branches: [master,", "TestGates"},
	{"a shell that ignores failures", ciYML, "        run: go run ./cmd/demo", "        shell: bash --norc {0}\n        run: go run ./cmd/demo", "TestWorkflows"},
	{"a shell for all that ignores failures", e2eYML, "        shell: bash\n", "        shell: bash {0}\n", "TestWorkflows"},
	{"no Windows", e2eYML, ", windows-latest]", "]", "TestGates"},
	{"no arm64", e2eYML, ", ubuntu-24.04-arm]", "]", "TestGates"},
	{"a use of the action that may fail", e2eYML, "        id: good\n", "        id: good\n        continue-on-error: true\n", "TestE2E"},
	{"a use of the action that nothing checks", ".ci/e2e", "  expect dry success", "  : dry success", "TestE2E"},
	{"no analysis of Go", codeqlYML, "          - {language: go, build-mode: autobuild}\n", "", "TestGates"},
	{"an analysis of no language", codeqlYML, "language: go,", "language: golang,", "TestGates"},
	{"one image of two by its tag", weeklyYML, "    timeout-minutes: 15\n", "    timeout-minutes: 15\n    services: {a: {image: 'a@sha256:00'}, b: {image: 'b:7'}}\n", "TestWorkflows"},
	{"steps that never fail", ".ci/all", `"$@" || failed+=("$*")`, `"$@" || true`, "TestSteps"},
	{"steps that do not stop", ".ci/run", "step() { printf", "step() { set +e; printf", "TestSteps"},
	{"signals that are not sent", ".ci/container", "\nsignals\n", "\n", "TestSteps"},
	{"pins that are not found", ".ci/links", "# (v[0-9.]+)", "#(v[0-9.]+)", "TestLinksScript"},
	{"pages of anyone", ".ci/links", "curl --fail", "curl --insecure --fail", "TestLinksScript"},
	{"pages that are not there", ".ci/links", "curl --fail", "curl", "TestLinksScript"},
	{"a linter that finds nothing", ".github/actionlint.yaml", `- input "args" is not defined in action`, "- .*", "TestActionlint"},
	{"a program of others without its hash", ".ci/oracle.d/requirements.txt", "    --hash=", "    # --hash=", "TestRequirements"},

	// What users run.
	{"a program by http", "setup/run.sh", "'=https,file'", "'=https,file,http'", "TestSetupDistrusts"},
	{"a program of the runner's own", "setup/run.sh", "--proto-redir '=https'", "--proto-redir '=https,file'", "TestSetupDistrusts"},
	{"a page in place of the program", "setup/run.sh", "--fail ", "", "TestSetupDistrusts"},
	{"values that Windows rewrites", "setup/run.sh", "MSYS2_ENV_CONV_EXCL", "MSYS2_ENV", "TestSetup"},
	{"a table, in bash 3.2", "setup/run.sh", "sum='' url=''", "declare -gA x; sum='' url=''", "TestSetupIsForOldShells"},
	{"a length below zero, in bash 3.2", "setup/run.sh", "sum='' url=''", "sum='' url=${target:0: -1}", "TestSetupIsForOldShells"},
	{"a clock, in bash 3.2", "setup/run.sh", "sum='' url=''", "sum='' url=''; printf '%(%s)T' -1", "TestSetupIsForOldShells"},
	{"no elements, in bash 3.2", "setup/run.sh", "sum='' url=''", `sum='' url=''; : "${args[@]}"`, "TestSetupIsForOldShells"},
	{"an option that macOS lacks", "setup/run.sh", "mktemp -d", "mktemp --directory", "TestSetupIsForOldShells"},
	{"a release without a runner's program", ".ci/build", "linux/arm64 ", "", "TestSetupTargets"},
	{"a runner that starts no container", "docs/compatibility.md", "no: a container action", "yes: a container action", "TestSetupTargets"},
	{"an icon that GitHub lacks", "action.yml", "icon: phone-call", "icon: telephone", "TestActionFiles"},
	{"a color that GitHub lacks", "action.yml", "color: blue", "color: navy", "TestActionFiles"},
	{"another name", "action.yml", "name: Pipecat Cloud Deploy\n", "name: Deploy\n", "TestActionFiles"},
	{"a description that is cut", "action.yml", "description: Deploys", "description: " + strings.Repeat("Really ", 9) + "deploys", "TestActionFiles"},
	{"an action without its files", ".gitattributes", "* -text\n", "* -text\n/setup export-ignore\n", "TestActionFiles"},
	{"a Go that moves", "Dockerfile", "golang:1.26.8-", "golang:1.26-", "TestImage"},
	{"a user who can't write outputs", "Dockerfile", "ENTRYPOINT", "USER 1000\nENTRYPOINT", "TestImage"},
	{"an image with more than the program", "Dockerfile", "FROM scratch", "FROM alpine:latest", "TestImage"},
	{"an image without its sources", ".dockerignore", "docs\n", "docs\ninternal\n", "TestImage"},

	// What users paste.
	{"an example that may write", imageYML, "      contents: read\n      packages", "      contents: write\n      packages", "TestExamplesAudit"},
	{"a deployment that the next cancels", tagYML, "cancel-in-progress: false", "cancel-in-progress: true", "TestExamplesAudit"},
	{"deployments that race", tagYML, "concurrency:", "env: {}\nx:", "TestExamplesAudit"},
	{"a deployment without an environment", tagYML, "    environment: production\n", "", "TestExamplesAudit"},
	{"a key in the workflow", tagYML, "${{ secrets.PIPECAT_API_KEY }}", "sk_live_1234567890abcdef", "TestExamplesAudit"},
	{"this action by its branch", tagYML, version.Repository + "@v1", version.Repository + "@main", "TestExamplesAudit"},
	{"a version that is not released", "README.md", version.Repository + "@v1\n        with", version.Repository + "@v2\n        with", "TestExamplesAudit"},
	{"an old checkout", "README.md", "actions/checkout@v7", "actions/checkout@v4", "TestExamplesAudit"},
	{"a value that an input does not have", "examples/test-call-on-tag.yml", "test-call: webrtc", "test-call: phone", "TestExamplesAudit"},
	{"a time in letters", "examples/test-call-on-tag.yml", "bake-time: 5m", "bake-time: five", "TestExamplesAudit"},
	{"a pull request that deploys", "examples/pull-request-dry-run.yml", "dry-run: true", "dry-run: false", "TestExamplesAudit"},
	{"a pull request of a fork", "examples/preview.yml", "github.event.action != 'closed' && " + sameRepository, "github.event.action != 'closed'", "TestExamplesAudit"},

	// What GitHub reads.
	{"updates that are ignored", dependabotYML, "dependency-name: acme/*", "dependency-name: '*'", "TestDependabot"},
	{"a group of nothing", dependabotYML, "tools: {patterns: ['*']}", "tools: {patterns: ['x']}", "TestDependabot"},
	{"no updates of what is compared with", dependabotYML, "package-ecosystem: pip", "package-ecosystem: docker", "TestDependabot"},
	{"an option twice", bugYML, "a self-hosted runner, by hand]", "by hand, by hand]", "TestForms"},
	{"an option that GitHub adds", bugYML, "by hand]", "None]", "TestForms"},
	{"boxes without text", bugYML, "type: dropdown\n    id: runner\n    attributes:\n      label: Where it ran\n      options: [GitHub's runner, a self-hosted runner, by hand]", "type: checkboxes\n    id: runner\n    attributes:\n      label: Where it ran", "TestForms"},
	{"a language that is not known", bugYML, "render: yaml", "render: yamll", "TestForms"},
	{"an owner who is replaced", ".github/CODEOWNERS", "/tools/ @" + account + "\n", "/tools/ @" + account + "\n/.github/workflows/ @somebody\n", "TestCodeOwners"},
	{"an owner who is misspelled", ".github/CODEOWNERS", "/setup/ @" + account, "/setup/ @" + account + "s", "TestCodeOwners"},
}

// finders are the tests that find mistakes.
var finders = map[string]func(*testing.T){
	"TestActionFiles":         TestActionFiles,
	"TestActionlint":          TestActionlint,
	"TestActions":             TestActions,
	"TestAddresses":           TestAddresses,
	"TestAll":                 TestAll,
	"TestChangelog":           TestChangelog,
	"TestCodeOwners":          TestCodeOwners,
	"TestDependabot":          TestDependabot,
	"TestDocs":                TestDocs,
	"TestE2E":                 TestE2E,
	"TestExamples":            TestExamples,
	"TestExamplesAudit":       TestExamplesAudit,
	"TestForms":               TestForms,
	"TestGates":               TestGates,
	"TestGoVersion":           TestGoVersion,
	"TestImage":               TestImage,
	"TestLinks":               TestLinks,
	"TestLinksScript":         TestLinksScript,
	"TestRequirements":        TestRequirements,
	"TestSetup":               TestSetup,
	"TestSetupDistrusts":      TestSetupDistrusts,
	"TestSetupIsForOldShells": TestSetupIsForOldShells,
	"TestSetupTargets":        TestSetupTargets,
	"TestSteps":               TestSteps,
	"TestTools":               TestTools,
	"TestVerifyLines":         TestVerifyLines,
	"TestWorkflows":           TestWorkflows,
}

// inCopy says to this package's program that it runs in a copy, in which it makes
// the mistakes.
const inCopy = "PIPECAT_DEPLOY_MISTAKES"

// TestMistakes makes each mistake in a copy of the repository, and sees the test that
// is named find it. Each of these tests passes in the copy without a mistake.
func TestMistakes(t *testing.T) {
	if os.Getenv(inCopy) != "" {
		makeMistakes(t)
		return
	}
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run", "^TestMistakes$", "-test.v")
	cmd.Dir = filepath.Join(copied(t), "internal", "repo")
	cmd.Env = append(os.Environ(), inCopy+"=made")
	text, _ := cmd.CombinedOutput() // it fails, by all that is found
	out := string(text)
	ended := func(result, name string) bool {
		return strings.Contains(out, "--- "+result+": TestMistakes/"+name+" (")
	}
	said := func(name string) string {
		_, said, _ := strings.Cut(out, "=== RUN   TestMistakes/"+name+"\n")
		said, _, _ = strings.Cut(said, "=== RUN ")
		return said
	}
	for name := range finders {
		if name = "none/" + name; !ended("PASS", name) {
			t.Errorf("%s fails without a mistake, or did not run:\n%s", name, said(name))
		}
	}
	for i, m := range mistakes {
		t.Run(m.what+", by "+m.test, func(t *testing.T) {
			if name := fmt.Sprint(i); !ended("FAIL", name) {
				t.Errorf("%s does not find it:\n%s", m.test, said(name))
			}
		})
	}
}

// makeMistakes makes each in this copy, one after the other, for its test to fail.
func makeMistakes(t *testing.T) {
	t.Run("none", func(t *testing.T) {
		for name, find := range finders {
			t.Run(name, find)
		}
	})
	for i, m := range mistakes {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			before := read(t, m.file)
			if !strings.Contains(before, m.from) || finders[m.test] == nil {
				t.Skipf("%s has no %q, or finders has no %s", m.file, m.from, m.test)
			}
			rewrite(t, m.file, strings.Replace(before, m.from, m.to, 1))
			defer rewrite(t, m.file, before)
			finders[m.test](t)
		})
	}
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
