package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"go.yaml.in/yaml/v4"

	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/version"
)

// expressions are what those of the examples are in a run.
var expressions = map[string]string{
	"secrets.PIPECAT_API_KEY": "sk_example", "secrets.PIPECAT_PUBLIC_API_KEY": "pk_example", "env.IMAGE": "ghcr.io/acme/bot:v1.2.3", "matrix.agent": "front-desk-east", "matrix.region": "us-east",
	"needs.staging.outputs.build-id": exampleBuild,
	"github.ref_name":                "v1.2.3",
	"github.event.number":            "42", "secrets.DOTENV": "TOKEN=example",
	"inputs.agent-name": "my-agent", "inputs.agent": "my-agent", "inputs.image": "ghcr.io/acme/bot:v1.2.3", "inputs.build-id": "", "inputs.moved-tag": "false",
	"inputs.image == ''": "false", "inputs.image != ''": "true",
}

const exampleBuild = "123e4567-e89b-12d3-a456-426614174000"

// Examples holds that each step of the examples that deploys plans to do so: a dry run
// of it is green, sends nothing, and has nothing to say of its inputs. One that only
// checks does so.
func Examples(t *testing.T, run Program) {
	files, err := filepath.Glob("examples/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		for i, with := range deploySteps(t, file) {
			t.Run(fmt.Sprintf("%s %d", filepath.Base(file), i+1), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { dryRun(t, run, with) })
			})
		}
	}
}

// deploySteps are the inputs of the steps of a workflow that deploy.
func deploySteps(t *testing.T, file string) (steps []map[string]any) {
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct {
				Uses string
				With map[string]any
			}
		}
	}
	data, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(data, &workflow)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for _, job := range workflow.Jobs {
		for _, step := range job.Steps {
			if strings.HasPrefix(step.Uses, version.Repository+"@") {
				steps = append(steps, step.With)
			}
		}
	}
	return steps
}

var expression = regexp.MustCompile(`\$\{\{ *(.*?) *\}\}`)

func dryRun(t *testing.T, run Program, with map[string]any) {
	cloud := &simulator.Cloud{Key: "sk_example"}
	for agent, region := range map[string]string{"my-agent": "us-west", "front-desk-west": "us-west", "front-desk-east": "us-east", "staging": "us-west", "production": "us-west", "my-agent-pr-42": "us-west"} {
		cloud.AddAgent(agent, region, "ghcr.io/acme/bot:v1")
	}
	cloud.AddBuild(simulator.Build{ID: exampleBuild, Region: "us-west", Status: "success"})
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Dockerfile": "FROM scratch\nCOPY bot.py .\n", "bot.py": "", "agent/Dockerfile": "FROM scratch\nCOPY bot.py .\n", "agent/bot.py": "",
		"deploy/staging.toml": "agent_name = \"staging\"\n", "deploy/production.toml": "agent_name = \"production\"\nscaling.min_agents = 1\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": dir, "GITHUB_OUTPUT": filepath.Join(dir, "output")}
	for name, value := range with {
		env["INPUT_"+strings.ToUpper(name)] = expression.ReplaceAllStringFunc(fmt.Sprint(value), func(e string) string {
			text, ok := expressions[expression.FindStringSubmatch(e)[1]]
			if !ok {
				t.Errorf("what is %s in a run?", e)
			}
			return text
		})
	}
	status := "planned"
	if env["INPUT_CHECK-ONLY"] == "true" { // the call itself needs a network
		status, env["INPUT_TEST-CALL"], env["INPUT_MAX-ANSWER-TIME"] = "checked", "none", ""
	} else {
		env["INPUT_DRY-RUN"] = "true"
	}
	var log strings.Builder
	code := run(t.Context(), nil, environ(env), &log, &log, simulator.Transport(cloud))
	values, err := outputs(t, env["GITHUB_OUTPUT"])
	if code != 0 || err != nil || values["status"] != status || strings.Contains(log.String(), "=Input ") || strings.Contains(log.String(), "New agent") {
		t.Errorf("exit code %d, outputs %v, %v\n%s", code, values, err, log.String())
	}
	for agent := range map[string]bool{"my-agent": true, "staging": true} {
		if n := len(cloud.Deployments(agent)); n != 1 {
			t.Errorf("%s has had %d deployments", agent, n)
		}
	}
}
