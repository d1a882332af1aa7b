package repo

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/gha"
)

// TestExamplesAudit holds the workflows that users paste, also the README's, to what
// makes a deployment safe, and the values in them to what the program accepts.
func TestExamplesAudit(t *testing.T) {
	texts := map[string]string{}
	files, _ := filepath.Glob("examples/*")
	for _, file := range files {
		texts[file] = read(t, file)
	}
	_, block, _ := strings.Cut(read(t, "README.md"), "```yaml\n")
	texts["README.md"], _, _ = strings.Cut(block, "```")
	workspace := exampleWorkspace(t)
	for file, text := range texts {
		w, err := parseWorkflow(text)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for name, job := range w.Jobs {
			for _, problem := range auditExample(w, job, workspace) {
				t.Errorf("%s: job %s: %s", file, name, problem)
			}
		}
	}
	// The README has no hash to paste, but the same major version.
	version := regexp.MustCompile(`uses: actions/checkout@[0-9a-f]{40} # (v\d+)\.`).FindStringSubmatch(texts[imageYML])
	if version == nil || !strings.Contains(texts["README.md"], "uses: actions/checkout@"+version[1]+"\n") {
		t.Errorf("README.md: its checkout is not of the major version in %s, %v", imageYML, version)
	}
}

var (
	// whole matches a value that is a secret, and nothing else.
	whole = regexp.MustCompile(`^\$\{\{ secrets\.\w+ \}\}$`)
	// expression matches what the runner replaces.
	expression = regexp.MustCompile(`\$\{\{[^}]*\}\}`)
)

// sameRepository is the condition of a job that a fork's pull request does not start.
const sameRepository = "github.event.pull_request.head.repo.full_name == github.repository"

// auditExample finds what a user of a job should not paste.
func auditExample(w workflow, job workflowJob, workspace string) (problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	onPullRequest := slices.Contains(names(w.On), "pull_request")
	if onPullRequest && strings.Contains(fmt.Sprint(job), "secrets.") && !strings.Contains(job.If, sameRepository) {
		say("a fork's pull request starts it, and fails without secrets; it needs if: %s", sameRepository)
	}
	if wide := slices.DeleteFunc(written(job.Permissions), func(scope string) bool { return scope == "packages" }); len(wide) > 0 {
		say("it may write %q, and a deployment needs no more than packages", wide)
	}
	for _, step := range job.Steps {
		if !ours(step.Uses) {
			continue
		}
		dry := fmt.Sprint(step.With["dry-run"]) == "true"
		if !strings.HasSuffix(step.Uses, "@v1") {
			say("%s is not the version that is released", step.Uses)
		}
		if job.Environment == nil {
			say("it has no environment, whose rules and secrets it should have")
		}
		group, _ := cmp.Or(job.Concurrency, w.Concurrency).(map[string]any)
		if group["group"] == nil || !dry && group["cancel-in-progress"] != false {
			say("two deployments of one agent would race, or the second would cancel the first: concurrency is %v", group)
		}
		if agent := fmt.Sprint(step.With["agent-name"]); onPullRequest && !dry && !strings.Contains(agent, "github.event.number") {
			say("a pull request deploys to %s", agent)
		}
		for _, name := range []string{"api-key", "public-api-key", "secrets"} {
			if value, ok := step.With[name]; ok && !whole.MatchString(fmt.Sprint(value)) {
				say("%s is written out; it is for a secret", name)
			}
		}
		for _, problem := range refused(step, w.Env, workspace) {
			say("the program refuses it: %s", problem)
		}
	}
	return problems
}

// refused is what the program finds wrong with a step's inputs. What only a run knows
// is something plausible.
func refused(step workflowStep, variables map[string]string, workspace string) (problems config.Problems) {
	env := gha.Env{"GITHUB_WORKSPACE": workspace}
	for name, value := range step.With {
		text := fmt.Sprint(value)
		for variable, value := range variables {
			text = strings.ReplaceAll(text, "${{ env."+variable+" }}", value)
		}
		if text != "" && expression.FindString(text) == text {
			text = map[string]string{"api-key": "sk_private", "public-api-key": "pk_public", "secrets": "NAME=value", "agent-name": "my-agent",
				"image": "ghcr.io/acme/my-agent:v1", "region": "us-west"}[name]
		}
		env["INPUT_"+strings.ToUpper(name)] = expression.ReplaceAllString(text, "42")
	}
	_, err := config.Load(nil, env)
	if err != nil {
		problems = err.(config.Problems)
	}
	return problems
}

// exampleWorkspace has what the examples say that a repository has.
func exampleWorkspace(t *testing.T) string {
	dir := t.TempDir()
	files := map[string]string{"Dockerfile": "FROM scratch\n", "agent/Dockerfile": "FROM scratch\n"}
	for _, name := range []string{"deploy/staging.toml", "deploy/production.toml"} {
		files[name] = "agent_name = \"my-agent\"\n[scaling]\nmin_agents = 1\n"
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), files[name])
	}
	return dir
}
