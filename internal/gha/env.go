// Package gha speaks GitHub Actions: it reads what the runner sets in a step's
// environment, and writes the commands and files that the runner reads.
package gha

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sethvargo/go-githubactions"
)

// Env is a step's environment. No variable needs to be set: the program runs on
// other machines, too.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/variables
type Env map[string]string

// Environ makes an Env of NAME=value texts, such as those of os.Environ.
func Environ(texts []string) Env {
	e := make(Env, len(texts))
	for _, text := range texts {
		if name, value, ok := strings.Cut(text, "="); ok {
			e[name] = value
		}
	}
	return e
}

// Get is the variable called name; "" when it is not set.
func (e Env) Get(name string) string { return e[name] }

// Input is the action's input called name, without white space around it; "" when
// it is not set.
func (e Env) Input(name string) string {
	return githubactions.New(githubactions.WithGetenv(e.Get)).GetInput(name)
}

// Inputs are the names of all inputs that have a value, in order. The runner also
// passes those that the action does not have.
func (e Env) Inputs() (names []string) {
	for variable, value := range e {
		if name, ok := strings.CutPrefix(variable, "INPUT_"); ok && strings.TrimSpace(value) != "" {
			names = append(names, strings.ToLower(name))
		}
	}
	slices.Sort(names)
	return names
}

// OnRunner reports whether a GitHub runner reads the log.
func (e Env) OnRunner() bool { return e["GITHUB_ACTIONS"] == "true" }

// Workspace is the folder of the user's repository; "" off a runner.
func (e Env) Workspace() string { return e["GITHUB_WORKSPACE"] }

// Temp is a folder for files that go again; "" off a runner.
func (e Env) Temp() string { return e["RUNNER_TEMP"] }

// OutputFile is the path of the file that takes the outputs; "" for none.
func (e Env) OutputFile() string { return e["GITHUB_OUTPUT"] }

// SummaryFile is the path of the file that takes the job summary; "" for none.
func (e Env) SummaryFile() string { return e["GITHUB_STEP_SUMMARY"] }

// LowerRepository is the name of a run's repository as an image's name has it, in
// the shell of a run step.
const LowerRepository = "${GITHUB_REPOSITORY,,}"

// Run says which workflow run this is. Any field may be empty.
type Run struct {
	Server     string // https://github.com, or an enterprise's own
	Repository string // owner/name
	Commit     string
	ID         string
	Tag        string // that the run is of; "" for a branch
}

// Run is that of the job.
func (e Env) Run() Run {
	run := Run{Server: e["GITHUB_SERVER_URL"], Repository: e["GITHUB_REPOSITORY"], Commit: e["GITHUB_SHA"], ID: e["GITHUB_RUN_ID"]}
	if e["GITHUB_REF_TYPE"] == "tag" {
		run.Tag = e["GITHUB_REF_NAME"]
	}
	return run
}

// Page is the address of the run; "" where the runner does not name it.
func (r Run) Page() string { return r.address("actions", "runs", r.ID) }

// CommitPage is the address of the run's commit; "" where the runner does not name it.
func (r Run) CommitPage() string { return r.address("commit", r.Commit) }

// Compare is the address of what changed between two tags.
func (r Run) Compare(from, to string) string {
	if from == "" || to == "" {
		return ""
	}
	return r.address("compare", from+"..."+to)
}

// address is that of something in the repository; "" where the runner does not say
// where that is, or its name is empty.
func (r Run) address(parts ...string) string {
	base, err := url.Parse(r.Server)
	if err != nil || base.Scheme != "https" || r.Repository == "" || parts[len(parts)-1] == "" {
		return ""
	}
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return base.JoinPath(append([]string{escaped(r.Repository)}, parts...)...).String()
}

// Line is the address of a line of a file in the run's commit; "" where the runner
// does not name it.
func (r Run) Line(file string, line int) string {
	base, err := url.Parse(r.Server)
	if err != nil || base.Scheme != "https" || r.Repository == "" || r.Commit == "" {
		return ""
	}
	to := base.JoinPath(escaped(r.Repository), "blob", escaped(r.Commit), escaped(file))
	to.Fragment = "L" + strconv.Itoa(line)
	return to.String()
}

// escaped is a path whose names mean nothing else in an address.
func escaped(path string) string {
	names := strings.Split(path, "/")
	for i := range names {
		names[i] = url.PathEscape(names[i])
	}
	return strings.Join(names, "/")
}
