package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/gha/ghatest"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
)

const (
	brewing = "import json\n\nMENU = json.load(open(\"menu.json\"))\n"
	stack   = "Traceback (most recent call last):\n  File \"/app/bot.py\", line 3, in <module>\n    MENU = json.load(open(\"menu.json\"))\n" +
		"FileNotFoundError: [Errno 2] No such file or directory: 'menu.json'\n"
	gone   = "FileNotFoundError: [Errno 2] No such file or directory: 'menu.json'"
	copied = "#7 [2/2] COPY menu.json .\n#7 ERROR: failed to calculate checksum of ref a::b: \"/menu.json\": not found\nDockerfile:2\n" +
		"--------------------\n   1 |     FROM x\n   2 | >>> COPY menu.json .\n--------------------\n" +
		"ERROR: failed to build: failed to solve: failed to compute cache key: failed to calculate checksum of ref a::b: \"/menu.json\": not found\n"
)

// Causes holds that a failure has one cause, wherever it is read from: the outputs,
// the first annotation and the page have the same.
func Causes(t *testing.T, run Program) {
	t.Parallel()
	for _, tt := range []struct {
		name             string
		health           pipecat.Health // that the crash shows
		log              string         // the agent's
		build            string         // a build's log
		files            map[string]string
		env              map[string]string
		cause, at, hint  string // the message and the annotation have the cause; at is "" for no line
		reason, headline string
	}{
		{name: "the message", health: pipecat.Health{Reason: "CrashLoopBackOff", LastTerminationReason: "Error", Message: stack},
			cause: gone, at: "bot.py:3", reason: "crash", headline: "crashed on demo-agent (us-west): FileNotFoundError in bot.py:3"},
		{name: "the log, where there is no message", health: pipecat.Health{Reason: "CrashLoopBackOff", LastTerminationReason: "Error"}, log: "INFO: up\n" + stack,
			cause: gone, at: "bot.py:3", reason: "crash", headline: "crashed on demo-agent (us-west): FileNotFoundError in bot.py:3"},
		{name: "the log, where the message is cut", health: pipecat.Health{Reason: "CrashLoopBackOff", LastTerminationReason: "Error", Message: gone}, log: stack + strings.Repeat("INFO: again\n", 90),
			cause: gone, at: "bot.py:3", reason: "crash", headline: "crashed on demo-agent (us-west): FileNotFoundError in bot.py:3"},
		{name: "another one in the log", health: pipecat.Health{Reason: "CrashLoopBackOff", LastTerminationReason: "Error", Message: "KeyError: 'tea'"}, log: stack,
			cause: "KeyError: 'tea'", reason: "crash", headline: "crashed on demo-agent (us-west): KeyError: 'tea'"},
		{name: "nothing but what was printed", health: pipecat.Health{Reason: "CrashLoopBackOff", LastTerminationReason: "Error", Message: "brewing tea\nPress Ctrl-C to quit\n"},
			cause: "; it printed last: brewing tea", reason: "crash", headline: "crashed on demo-agent (us-west) (exit code 1)"},
		{name: "the platform's words, in time", health: pipecat.Health{Reason: "CreateContainerConfigError", Message: "couldn't find key TEA_KEY in Secret ns/bot"},
			cause: "couldn't find key TEA_KEY in Secret ns/bot", hint: "`TEA_KEY`", reason: "refused", headline: "the container cannot be set up (CreateContainerConfigError): couldn't find key TEA_KEY"},
		{name: "the platform's words, when the time is up", health: pipecat.Health{Reason: "CreateContainerConfigError", Message: "couldn't find key TEA_KEY in Secret ns/bot"},
			env: map[string]string{"INPUT_WAIT-TIMEOUT": "10"}, cause: "the platform reports: couldn't find key TEA_KEY in Secret ns/bot", hint: "`TEA_KEY`", reason: "refused", headline: "did not become ready within wait-timeout"},
		{name: "a build", build: copied, files: map[string]string{"Dockerfile": "FROM x\nCOPY menu.json .\n# simulator: broken\n"},
			cause: `"/menu.json": not found`, at: "Dockerfile:2", hint: "has no `menu.json`", reason: "build", headline: `"/menu.json": not found`},
		{name: "a build whose error is far above the end", build: "#7 1.2 E: Unable to locate package teapot\n" + strings.Repeat("#7 1.3 \n", 90) + "#7 ERROR: process \"/bin/sh -c make\" did not complete successfully: exit code: 100\n",
			files: map[string]string{"Dockerfile": "FROM x\n# simulator: broken\n"}, cause: "E: Unable to locate package teapot", hint: "`teapot`", reason: "build", headline: "E: Unable to locate package teapot"},
		{name: "a build without what is left out", build: copied, files: map[string]string{"Dockerfile": "FROM x\nCOPY menu.json .\n# simulator: broken\n", "menu.json": "{}", ".dockerignore": "*.json\n"},
			cause: `"/menu.json": not found`, at: "Dockerfile:2", hint: "`.dockerignore` excludes `menu.json` from the build", reason: "build", headline: `"/menu.json": not found`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": dir, "GITHUB_OUTPUT": filepath.Join(t.TempDir(), "output"),
				"GITHUB_STEP_SUMMARY": filepath.Join(t.TempDir(), "summary"), "INPUT_API-KEY": "sk_test_0123456789", "INPUT_AGENT-NAME": "demo-agent"}
			for name, value := range tt.env {
				env[name] = value
			}
			writeFiles(t, dir, map[string]string{"bot.py": brewing})
			writeFiles(t, dir, tt.files)
			var log strings.Builder
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{Scripts: map[string]simulator.Script{"broken": crashing(tt.health, tt.log)},
					BuildScripts: map[string]simulator.BuildScript{"broken": {Name: "broken", After: 20 * time.Second, Status: pipecat.BuildFailed, Log: tt.build,
						Error: "BUILD: Error while executing command: docker buildx build. Reason: exit status 1"}}}
				cloud.AddAgent("demo-agent", "us-west", "ghcr.io/acme/bot:v1")
				if env["INPUT_IMAGE"] = "ghcr.io/acme/bot:broken"; tt.build != "" {
					delete(env, "INPUT_IMAGE")
					env["INPUT_CLOUD-BUILD"] = "true"
				}
				if code := run(t.Context(), nil, environ(env), &log, &log, simulator.Transport(cloud)); code != 1 {
					t.Errorf("exit code %d", code)
				}
			})
			values, err := outputs(t, env["GITHUB_OUTPUT"])
			if err != nil {
				t.Fatal(err)
			}
			page, err := os.ReadFile(env["GITHUB_STEP_SUMMARY"])
			if err != nil {
				t.Fatal(err)
			}
			first := ghatest.Command{}
			for _, c := range ghatest.Commands(log.String()) {
				if c.Name == "error" && first.Name == "" {
					first = c
				}
			}
			at := strings.TrimSuffix(first.Properties["file"]+":"+first.Properties["line"], ":")
			if !strings.Contains(values["failure-message"], tt.cause) || !strings.Contains(first.Data, tt.cause) || at != tt.at ||
				values["failure-reason"] != tt.reason || !strings.Contains(first.Data, tt.headline) || !strings.Contains(log.String(), strings.ReplaceAll(tt.hint, "`", "")) || !strings.Contains(string(page), tt.hint) {
				t.Errorf("got %q (%s) at %q\n%s\n%s", values["failure-message"], values["failure-reason"], at, log.String(), page)
			}
		})
	}
}

// crashing is a deployment whose replicas end as a health shows, three times.
func crashing(h pipecat.Health, log string) simulator.Script {
	one := 1
	h.State, h.ReplicasStarted = "waiting", 1
	if h.Reason == "CrashLoopBackOff" {
		h.RestartCount, h.LastExitCode = new(3), &one
	}
	frames := []simulator.Frame{{At: time.Second, Phase: pipecat.Creating}}
	for i := range 3 {
		frames = append(frames, simulator.Frame{At: time.Duration(3+i) * time.Second, Phase: pipecat.Validating, Health: &h, Log: log})
	}
	return simulator.Script{Name: "broken", Frames: frames}
}

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
