package diagnosis

import (
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/verdict"
)

// TestBuild has what is too small for an archive.
func TestBuild(t *testing.T) {
	const failed = "#9 ERROR: process \"/bin/sh -c make\" did not complete successfully: exit code: 2\n"
	for _, tt := range []struct {
		name, text  string
		cause, hint string // the hint holds that; empty for none
	}{
		{"nothing", "", "", ""},
		{"words of our own", "build-id is latest, but no build in region us-west has succeeded; make one with cloud-build, or set image", "build-id is latest, but no build in region us-west has succeeded; make one with cloud-build, or set image", ""},
		{"a command that names an error", "process \"/bin/sh -c git pull || echo 'Permission denied (publickey)'\" did not complete successfully: exit code: 1", "process \"/bin/sh -c git pull || echo 'Permission denied (publickey)'\" did not complete successfully: exit code: 1", ""},
		{"a Dockerfile that names an error", "#9 [2/2] RUN echo No space left on device\nDockerfile:2\n   2 | >>> RUN echo No space left on device\nStep 2/2 : RUN echo No space left on device\n" + failed, "ERROR: process \"/bin/sh -c make\" did not complete successfully: exit code: 2", ""},
		{"another step", "#8 1.2 /bin/sh: 1: cmake: not found\n#9 1.3 bad voice: fatal\n" + failed, "bad voice: fatal", ""},
		{"a step whose end is cut off", "#8 1.2 /bin/sh: 1: cmake: not found", "/bin/sh: 1: cmake: not found", "compiler"},
		{"137 of something", "exit code: 1370", "exit code: 1370", ""},
		{"a blank output", "#9 1.2\n#9 1.3  \n" + failed, "ERROR: process \"/bin/sh -c make\" did not complete successfully: exit code: 2", ""},
		{"a time that went on", "#9 1234. ERROR: No matching distribution found for x\n", "ERROR: No matching distribution found for x", "`x`"},
		{"a number that is no time", "3.12 is not supported, which is fatal\n", "3.12 is not supported, which is fatal", ""},
		{"an arrow at the end", "× Failed\n  ╰─▶ a thing\n      that failed\n\n      but not this", "a thing that failed", ""},
		{"a machine that fails", "[Container] 2026/11/02 10:14:41 YAML_FILE_ERROR Message: no\n", "YAML_FILE_ERROR Message: no", ""},
		{"a name that is no name", "ERROR: No matching distribution found for `rm`", "ERROR: No matching distribution found for `rm`", ""},
		{"a long name", "ERROR: No matching distribution found for " + strings.Repeat("a", 99), "ERROR: No matching distribution found for " + strings.Repeat("a", 99), strings.Repeat("a", 57) + "…`"},
		{"the agent's secrets", "#9 1.2 error: DAILY_API_KEY is not set\n" + failed, "error: DAILY_API_KEY is not set", ""},
		{"a stage", "ERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref a::b: \"/app/.venv\": not found", "ERROR: failed to calculate checksum of ref a::b: \"/app/.venv\": not found", "`--from`"},
	} {
		d := Diagnose(crash{Text: tt.text, Reason: verdict.Build}.facts(), nil)
		if d.Cause != tt.cause || (d.Hint == "") != (tt.hint == "") || !strings.Contains(d.Hint, tt.hint) {
			t.Errorf("%s: got %q, hint %q", tt.name, d.Cause, d.Hint)
		}
	}
	if d := Diagnose(crash{Text: "Billing is not set up", Reason: verdict.Build, Code: "PCC-1004"}.facts(), nil); d.Hint != billing || d.Cause != "Billing is not set up" {
		t.Errorf("a code: got %+v", d)
	}
	if d := Diagnose(crash{Text: "ERROR: No matching distribution found for x", Reason: verdict.Crash}.facts(), nil); d.Hint != "" {
		t.Errorf("no build: got %+v", d)
	}
}
