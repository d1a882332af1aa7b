package config

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/settings"
)

// env makes an environment of the action's inputs; those that a working job needs
// have a value.
func env(pairs ...string) gha.Env {
	values := map[string]string{"INPUT_API-KEY": "sk_key", "INPUT_AGENT-NAME": "bot-1", "INPUT_IMAGE": "acme/bot:v1", "GITHUB_WORKSPACE": "testdata/none"}
	for i := 0; i+1 < len(pairs); i += 2 {
		name := pairs[i]
		if strings.ToLower(name) == name {
			name = "INPUT_" + strings.ToUpper(name)
		}
		values[name] = pairs[i+1]
	}
	return values
}

func TestDefaults(t *testing.T) {
	got, err := Load(nil, env())
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		APIKey: "sk_key", APIURL: got.APIURL, AgentName: "bot-1", Settings: pipecat.Settings{Image: "acme/bot:v1"}, Sources: map[string]string{}, Workspace: "testdata/none",
		Build:           Build{Context: ".", Dockerfile: "Dockerfile", Timeout: 10 * time.Minute},
		CreateIfMissing: true, WaitForReady: true, WaitFor: "ready", WaitTimeout: 10 * time.Minute, MaxRestarts: 2, LogLines: 50,
		WorkingDirectory: ".", JobSummary: "always",
		Call: Call{Road: "none", Body: map[string]any{"test_call": true}, Timeout: time.Minute},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.APIURL.String() != "https://api.pipecat.daily.co/v1" {
		t.Errorf("api-url is %s", got.APIURL)
	}
}

// TestEmptyDefaults is what the runner does: an input that is not set arrives
// as its default in action.yml, or as an empty text.
func TestEmptyDefaults(t *testing.T) {
	plain, err := Load(nil, env())
	if err != nil {
		t.Fatal(err)
	}
	pairs := []string{}
	for _, in := range Table() {
		if in.Name != "api-key" && in.Name != "agent-name" && in.Name != "image" {
			pairs = append(pairs, in.Name, in.ActionDefault())
		}
	}
	asRun, err := Load(nil, env(pairs...))
	if err != nil || !reflect.DeepEqual(plain, asRun) {
		t.Errorf("got  %+v, %v\nwant %+v", asRun, err, plain)
	}
}

func TestValues(t *testing.T) {
	for _, tt := range []struct {
		name, value string
		problem     string // part of it; empty when the value is right
	}{
		{"agent-name", "a", `"a" is not an agent's name`},
		{"agent-name", "ab", ""},
		{"agent-name", "-ab", "is not an agent's name"},
		{"agent-name", "ab-", "is not an agent's name"},
		{"agent-name", "my_bot", `is not an agent's name; use at least two of a-z, 0-9 and -, with no - at either end; did you mean "my-bot"?`},
		{"agent-name", "My  Agent!", `did you mean "my-agent"?`},
		{"agent-name", "!", `is not an agent's name; use at least two of a-z, 0-9 and -, with no - at either end`},
		{"agent-name", strings.Repeat("a", 54), ""},
		{"agent-name", strings.Repeat("a", 55), "has 55 characters; at most 54"},
		{"image", "bot", `"bot" has no tag; write "bot:v1.2.3" or give a digest`},
		{"image", "localhost:5000/bot", "has no tag"},
		{"image", "localhost:5000/bot:v1", ""},
		{"image", "ghcr.io/acme/bot@sha256:" + strings.Repeat("0", 64), ""},
		{"image", "ghcr.io/acme/bot:v1@sha256:" + strings.Repeat("0", 64), ""},
		{"image", "ghcr.io/acme/bot@sha256:0", "is not an image"},
		{"image", "ghcr.io/Acme/bot:v1", `did you mean "ghcr.io/acme/bot:v1"?`},
		{"image", "localhost:5000/Acme/bot:V1", `did you mean "localhost:5000/acme/bot:V1"?`},
		{"image", "ghcr.io/acme/bot:refs/tags/v1.2.3", `use github.ref_name, which is "v1.2.3"`},
		{"image", "localhost:5000/bot:refs/heads/main", `use github.ref_name, which is "main"`},
		{"image", "ghcr.io/acme/bot:feature/x", `has "feature/x" for a tag, and a tag has no /; use github.sha`},
		{"image", "ghcr.io/acme/bot:12/merge", `has "12/merge" for a tag, and a tag has no /; use github.sha`},
		{"image", "https://ghcr.io/acme/bot:v1", `is an address; an image's name has no https:// before it`},
		{"image", "ghcr.io/acme/bot:", "has an empty tag: the expression behind it is empty"},
		{"image", "ghcr.io/acme/bot@", "has an empty tag"},
		{"image", "your_username/quickstart:0.1", "is the template's placeholder; name your own image"},
		{"image", "ghcr.io/your-org/bot:0.1", "is the template's placeholder"},
		{"image", "ghcr.io/yours/bot:0.1", ""},
		{"image", "two words:v1", "is not an image"},
		{"build-id", "123E4567-e89b-12d3-a456-426614174000", ""},
		{"build-id", "b-4bb223c4-cc11", ""},
		{"build-id", "build abc", `"build abc" is not a build's id`},
		{"build-id", "ghcr.io/acme/bot:v1", "is not a build's id"},
		{"build-timeout", "90", ""},
		{"build-timeout", "1h30m", ""},
		{"build-timeout", "0", "out of range; give whole seconds from 1 to 86400"},
		{"build-timeout", "25h", "out of range"},
		{"wait-timeout", "ten", "is not a duration; give seconds"},
		{"wait-timeout", "10 minutes", `is not a duration; did you mean 10m?`},
		{"wait-timeout", "2 Hours", `did you mean 2h?`},
		{"wait-timeout", "90sec", `did you mean 90s?`},
		{"wait-timeout", "-5", "out of range"},
		{"wait-timeout", "1.5", "is not a duration"},
		{"wait-timeout", "1500ms", "out of range; give whole seconds"},
		{"wait-timeout", "99999999999999999999", "is not a duration"},
		{"wait-timeout", "9999999999", "is not a duration"},
		{"max-session-duration", "59", "from 60 to 14400"},
		{"max-session-duration", "60", ""},
		{"max-session-duration", "4h", ""},
		{"max-session-duration", "14401", "from 60 to 14400"},
		{"max-session-duration", "3600000", "is that milliseconds? write 3600"},
		{"max-session-duration", "20000000", "from 60 to 14400"},
		{"min-agents", "0", ""},
		{"min-agents", "-1", "is not a whole number from 0 to"},
		{"min-agents", "1.5", "is not a whole number"},
		{"min-agents", "99999999999", "is not a whole number from 0 to 2147483647"},
		{"max-agents", "0", "is not a whole number from 1 to"},
		{"max-agents", "1", ""},
		{"max-restarts", "0", ""},
		{"max-restarts", "many", "is not a whole number"},
		{"min-ready-seconds", "0", ""},
		{"secret-set", "my.secrets-1", ""},
		{"secret-set", "ab", "is not a set's name"},
		{"secret-set", "My-Secrets", "is not a set's name"},
		{"secret-set", "bot_secrets", `letter or a digit; did you mean "bot-secrets"?`},
		{"secret-set", "a_", `ending with a letter or a digit`},
		{"image-credentials", "a b", "is not a set's name"},
		{"image-credentials", "your_dockerhub_image_pull_secret", "is the template's placeholder; remove the line if the image is public"},
		{"image-credentials", "yours", ""},
		{"secret-set", "your-secrets", "is the template's placeholder"},
		{"region", "us-west", ""},
		{"region", "mars-north", ""},
		{"region", "us west", "is not a region"},
		{"agent-profile", "agent-3x", ""},
		{"agent-profile", "agent-9x", ""},
		{"agent-profile", "two\nlines", "has a character that cannot be in it"},
		{"krisp-viva-audio-filter", "none", ""},
		{"krisp-viva-audio-filter", "null", "is not valid; use tel, pro, none"},
		{"websocket-auth", "basic", "is not valid; use none, token"},
		{"node-type", "amd", ""},
		{"node-type", "arm64", "is not valid; use arm, amd"},
		{"architecture", "amd64", ""},
		{"architecture", "arm", "is not valid; use arm64, amd64"},
		{"force-redeploy", "TRUE", ""},
		{"force-redeploy", "1", `"1" is neither true nor false; write true`},
		{"force-redeploy", "yes", "is neither true nor false; write true"},
		{"force-redeploy", "Off", "is neither true nor false; write false"},
		{"wait-for-ready", "False", ""},
		{"create-if-missing", "no", "is neither true nor false"},
		{"api-url", "https://api.example.com", ""},
		{"api-url", "https://api.example.com/v1/", ""},
		{"api-url", "http://127.0.0.1:8080", ""},
		{"api-url", "http://[::1]:8080", ""},
		{"api-url", "http://localhost", ""},
		{"api-url", "http://localhost.evil.example", "would send the key in the clear"},
		{"api-url", "http://10.0.0.1", "would send the key in the clear"},
		{"api-url", "ftp://api.example.com", "would send the key in the clear"},
		{"api-url", "api.example.com", "it is not an address"},
		{"api-url", "https://", "it is not an address"},
		{"api-url", "https://u:secret@api.example.com", "it has a user, a query or a fragment"},
		{"api-url", "https://api.example.com?x=1", "it has a user, a query or a fragment"},
		{"api-url", "https://api.example.com:port", "it is not an address"},
		{"enable-managed-keys", "banana", "is neither true nor false"},
		{"cloud-build", "true", "both cloud-build and image (\"acme/bot:v1\") are set"},
		{"cloud-build", "yes", "is neither true nor false"},
		{"build-context", "a\x00b", "has a character that cannot be in it"},
		{"cloud-build", "false", ""},
		{"api-key", "sk_with space", "it has a space"},
		{"api-key", "sk_näme", "it has a space, a line's end or another character"},
		{"api-key", "pk_public", "it is a Public key"},
		{"api-key", "pcc_pat_abc", "it is a personal access token, which is for the CLI"},
		{"working-directory", "..", `".." is outside of the workspace`},
		{"working-directory", "/etc", `"/etc" is outside of the workspace`},
		{"working-directory", "nowhere", `"nowhere" is not in the workspace`},
	} {
		pairs := []string{tt.name, tt.value}
		if tt.name == "build-id" {
			pairs = append(pairs, "image", "")
		}
		_, err := Load(nil, env(pairs...))
		if tt.problem == "" {
			if err != nil {
				t.Errorf("%s=%q: %v", tt.name, tt.value, err)
			}
			continue
		}
		var problems Problems
		if !errors.As(err, &problems) || len(problems) != 1 || problems[0].Input != tt.name || !strings.Contains(problems[0].Text, tt.problem) {
			t.Errorf("%s=%q: got %v, want one problem with %q", tt.name, tt.value, err, tt.problem)
		}
		if strings.Contains(tt.value, "secret") && strings.Contains(err.Error(), "secret@") || tt.name == "api-key" && strings.Contains(err.Error(), tt.value) {
			t.Errorf("%s: shows what it should not: %v", tt.name, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"agent-profile", "agent-9x", `agent-profile: "agent-9x" is not a profile known here (agent-1x, agent-2x, agent-3x); it is passed on as it is; did you mean agent-1x?`},
		{"agent-profile", "agent-2x", ""},
		{"agent-profile", "2x", `agent-profile: "2x" is not a profile known here (agent-1x, agent-2x, agent-3x); it is passed on as it is; did you mean agent-2x?`},
		{"agent-profile", "gpu-large", `agent-profile: "gpu-large" is not a profile known here (agent-1x, agent-2x, agent-3x); it is passed on as it is`},
		{"region", "us-wset", `region: "us-wset" is not a region of the platform's own; did you mean us-west?`},
		{"region", "us-west", ""},
		{"region", "acme-berlin", ""},
		{"wait-timeout", "10", "wait-timeout: it is 10 seconds; write 10m for minutes"},
		{"wait-timeout", "10s", ""},
		{"wait-timeout", "60", ""},
		{"build-timeout", "5", "build-timeout: it is 5 seconds; write 5m for minutes"},
		{"node-type", "arm", "node-type: it is the old name of architecture; write architecture: arm64"},
		{"enable-managed-keys", "true", "enable-managed-keys: it is ignored"},
		{"enable-managed-keys", "False", ""},
	} {
		cfg, err := Load(nil, env(tt.name, tt.value))
		var got string
		for _, w := range cfg.Warnings {
			got += w.String()
		}
		if err != nil || tt.want == "" && got != "" || !strings.HasPrefix(got, tt.want) || !strings.HasSuffix(tt.want, "?") && strings.HasSuffix(got, "?") {
			t.Errorf("%s=%s: warns %q, %v; want %q", tt.name, tt.value, got, err, tt.want)
		}
	}
}

// TestCallWarnings holds what is said of a test call that is not as it is meant.
func TestCallWarnings(t *testing.T) {
	const unheard, unasked = "it has no effect: only a test call by webrtc, twilio or websocket is heard", "it has no effect: without test-call-say the agent has nothing to answer"
	for _, tt := range []struct {
		inputs []string
		want   string
	}{
		{[]string{"max-answer-time", "3"}, "max-answer-time: " + unheard},
		{[]string{"test-call", "daily", "max-response-time", "3"}, "max-response-time: " + unheard},
		{[]string{"test-call", "twilio", "max-response-time", "3"}, "max-response-time: " + unasked},
		{[]string{"test-call", "twilio", "max-answer-time", "3"}, ""},
		{[]string{"test-call", "daily", "test-call-timeout", "9s"}, "test-call-timeout: it is 9s, and a session by daily is watched for ten seconds, so that no such call is answered"},
		{[]string{"test-call", "daily", "test-call-timeout", "10s"}, ""},
		{[]string{"test-call", "twilio", "test-call-timeout", "9s"}, ""},
	} {
		cfg, err := Load(nil, env(append(tt.inputs, "public-api-key", "pk_x")...))
		var got string
		for _, w := range cfg.Warnings {
			got += w.String()
		}
		if err != nil || got != tt.want {
			t.Errorf("%q: warns %q, %v; want %q", tt.inputs, got, err, tt.want)
		}
	}
}

func TestFlags(t *testing.T) {
	cfg, err := Load([]string{"-image", "acme/bot:v2", "--max-restarts=0", "-wait-for-ready=false", "-force-redeploy"}, env("image", "acme/bot:v1", "max-restarts", "5"))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Settings.Image != "acme/bot:v2" || cfg.MaxRestarts != 0 || cfg.WaitForReady || !cfg.ForceRedeploy {
		t.Errorf("a flag wins: %+v", cfg)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-api-key", "sk_secret"}, "api-key: it is never read from a flag"},
		{[]string{"-api-key=sk_secret", "-nonsense"}, "api-key: it is never read from a flag"},
		{[]string{"-nonsense"}, "there is no flag -nonsense (-h lists the flags)"},
		{[]string{"-image"}, "flag needs an argument: -image (-h lists the flags)"},
		{[]string{"bot"}, `"bot" is not a flag; write -name=value`},
		{[]string{"-dry-run", "true"}, `"true" is not a flag; write -name=value, such as -dry-run=true`},
		{[]string{"-agent-nam", "bot"}, "there is no flag -agent-nam; did you mean -agent-name? (-h lists the flags)"},
		{[]string{"-agent", "bot"}, "there is no flag -agent; did you mean -agent-name? (-h lists the flags)"},
		{[]string{"hepl"}, `"hepl" is not a command; did you mean help?`},
		{[]string{"verison"}, `"verison" is not a command; did you mean version?`},
	} {
		_, err := Load(tt.args, env())
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "sk_") {
			t.Errorf("%q: got %v, want %q", tt.args, err, tt.want)
		}
	}
	for _, help := range []string{"-h", "--help", "help"} {
		if _, err := Load([]string{help}, env()); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%s: %v", help, err)
		}
	}
	if _, err := Load([]string{"version"}, env()); !errors.Is(err, ErrVersion) {
		t.Errorf("version: %v", err)
	}
	if _, err := Load(nil, gha.Env{}); err == nil || !strings.HasPrefix(err.Error(), "nothing says what to deploy; write pipecat-cloud-deploy -agent-name NAME -image IMAGE") {
		t.Errorf("no argument: %v", err)
	}
	for _, some := range []gha.Env{{"GITHUB_ACTIONS": "true"}, {"PIPECAT_CLOUD_API_KEY": "sk_key"}} {
		if _, err := Load(nil, some); err == nil || strings.Contains(err.Error(), "nothing says") {
			t.Errorf("%v: %v", some, err)
		}
	}
	var usage bytes.Buffer
	Usage(&usage)
	for line := range strings.Lines(usage.String()) {
		if len(strings.TrimRight(line, "\n")) > usageWidth {
			t.Errorf("-h has a line of more than %d characters: %s", usageWidth, line)
		}
	}
	for _, in := range Table() {
		if shown := strings.Contains(usage.String(), "  -"+in.Name); shown == in.Secret {
			t.Errorf("-h shows %s: %v", in.Name, shown)
		}
	}
}

// load reads a config file of the given text, and no other input.
func load(t *testing.T, file string) (Config, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, defaultFile), []byte(file), 0o644); err != nil {
		t.Fatal(err)
	}
	return Load(nil, env("agent-name", "", "image", "", "GITHUB_WORKSPACE", dir))
}

func TestFile(t *testing.T) {
	got, err := load(t, `
agent_name = "my-bot"
image = "acme/bot:v1"
image_credentials = "ghcr"
secret_set = "keys"
region = "us-east"
agent_profile = "agent-2x"
max_session_duration = 1800
websocket_auth = "token"
enable_krisp = false
scaling = { min_agents = 1, max_agents = 20 }
krisp_viva.audio_filter = "tel"
[build]
context_dir = "server"
dockerfile = "Dockerfile"
[build.exclude]
patterns = ["*.md"]
[docker]
anything = { at = ["all"] }
`)
	if err != nil {
		t.Fatal(err)
	}
	least, most, filter := 1, 20, "tel"
	want := pipecat.Settings{Image: "acme/bot:v1", ImagePullSecretSet: "ghcr", SecretSet: "keys", AgentProfile: "agent-2x", MaxSessionDuration: 1800, WebsocketAuth: "token",
		AutoScaling: &pipecat.AutoScaling{MinAgents: &least, MaxAgents: &most}, KrispViva: &pipecat.KrispViva{AudioFilter: &filter}}
	if got.AgentName != "my-bot" || got.Region != "us-east" || !reflect.DeepEqual(got.Settings, want) || len(got.Warnings) != 0 {
		t.Errorf("got %+v", got)
	}
}

// TestSettings holds what is asked of the agent for each input, and that nothing is
// asked for without one.
func TestSettings(t *testing.T) {
	number := func(n int) *int { return &n }
	text := func(s string) *string { return &s }
	const build = "123e4567-e89b-12d3-a456-426614174000"
	for _, tt := range []struct {
		name, value string
		want        pipecat.Settings
	}{
		{"force-redeploy", "true", pipecat.Settings{}},
		{"build-id", build, pipecat.Settings{BuildID: build}},
		{"build-id", "latest", pipecat.Settings{}},
		{"min-agents", "0", pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: number(0)}}},
		{"max-agents", "3", pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MaxAgents: number(3)}}},
		{"krisp-viva-audio-filter", "none", pipecat.Settings{KrispViva: &pipecat.KrispViva{}}},
		{"krisp-viva-audio-filter", "pro", pipecat.Settings{KrispViva: &pipecat.KrispViva{AudioFilter: text("pro")}}},
		{"max-session-duration", "2h", pipecat.Settings{MaxSessionDuration: 7200}},
		{"node-type", "arm", pipecat.Settings{NodeType: "arm"}},
	} {
		cfg, err := Load(nil, env("image", "", tt.name, tt.value))
		if err != nil || !reflect.DeepEqual(cfg.Settings, tt.want) {
			t.Errorf("%s=%s: got %+v, %v, want %+v", tt.name, tt.value, cfg.Settings, err, tt.want)
		}
		if want := tt.value == "latest"; cfg.Build.Latest != want {
			t.Errorf("%s=%s: the latest build: %v", tt.name, tt.value, cfg.Build.Latest)
		}
	}
}

func TestFileProblems(t *testing.T) {
	const good = "agent_name = \"my-bot\"\nimage = \"acme/bot:v1\"\n"
	for _, tt := range []struct{ name, file, want string }{
		{"broken", "image = \n", "pcc-deploy.toml:1: it is not TOML: unexpected character"},
		{"broken, with quotes", "image = \"a\" b\n", "pcc-deploy.toml:1: it is not TOML: "},
		{"twice", good + `image = "acme/bot:v2"`, "pcc-deploy.toml:3: it is not TOML: key image is already defined"},
		{"unknown", good + "\n\nspeed = 1", "pcc-deploy.toml:5: speed: this key is not known"},
		{"unknown in a table", good + "[scaling]\nmin_agents = 1\nmin_bots = 1", "pcc-deploy.toml:5: scaling.min_bots: this key is not known"},
		{"unknown table", good + "[secrets]\na = 1", "pcc-deploy.toml:3: secrets: this key is not known"},
		{"a dash", good + `secret-set = "keys"`, "pcc-deploy.toml:3: secret-set: this key is not known; did you mean secret_set?"},
		{"the wrong table", good + "min_agents = 1", "pcc-deploy.toml:3: min_agents: this key is not known; did you mean scaling.min_agents?"},
		{"a text for a number", good + "scaling.min_agents = \"1\"", "pcc-deploy.toml:3: scaling.min_agents: its value must be a whole number"},
		{"a fraction", good + "scaling.min_agents = 1.0", "pcc-deploy.toml:3: scaling.min_agents: its value must be a whole number"},
		{"a number for a text", good + "region = 1", "pcc-deploy.toml:3: region: its value must be a text in quotes"},
		{"a date for a text", good + "region = 2026-01-01", "pcc-deploy.toml:3: region: its value must be a text in quotes"},
		{"a table for a text", good + "[region]\nname = 1", "pcc-deploy.toml:3: region: its value must be a text in quotes"},
		{"a text for seconds", good + `max_session_duration = "1h"`, "pcc-deploy.toml:3: max_session_duration: its value must be a whole number of seconds"},
		{"numbers for patterns", good + "build.exclude.patterns = [1]", "pcc-deploy.toml:3: build.exclude.patterns: its value must be a list of texts"},
		{"a number for a table", good + "scaling = 1", "pcc-deploy.toml:3: scaling: it must be a table"},
		{"out of range", good + "[scaling]\nmax_agents = 0", `pcc-deploy.toml:4: scaling.max_agents: "0" is not a whole number from 1 to`},
		{"wrong together", good + "[scaling]\nmin_agents = 5\nmax_agents = 4", "pcc-deploy.toml:4: scaling.min_agents: 5 is above max-agents, which is 4"},
		{"both ways", good + `build_id = "123e4567-e89b-12d3-a456-426614174000"`, `pcc-deploy.toml:2: image: both image ("acme/bot:v1") and build-id`},
		{"a table in another case", good + "[Scaling]\nmin_agents = 1", "pcc-deploy.toml:3: Scaling: this key is not known"},
		{"far from known", good + "a.b.c = 1", "pcc-deploy.toml:3: a: this key is not known"},
		{"far from known in a table", good + "scaling.bogus.x = 1", "pcc-deploy.toml:3: scaling.bogus: this key is not known"},
		{"in an inline table", good + "scaling = { bogus = 1 }", "pcc-deploy.toml:3: scaling.bogus: this key is not known"},
		{"empty", "", "agent-name: it is missing; name the agent here, or as agent_name in pcc-deploy.toml"},
		{"a number in quotes", good + "scaling.min_agents = \"1\"", "pcc-deploy.toml:3: scaling.min_agents: its value must be a whole number: remove the quotes"},
		{"no quotes", "agent_name = my-bot\n", "pcc-deploy.toml:1: it is not TOML: unexpected character U+006D 'm' at start of value; put the value in quotes"},
		{"a near key", "agent_nam = \"my-bot\"\n", "pcc-deploy.toml:1: agent_nam: this key is not known; did you mean agent_name?"},
		{"a plural", good + "secret_sets = \"keys\"", "pcc-deploy.toml:3: secret_sets: this key is not known; did you mean secret_set?"},
		{"swapped letters", good + "[scaling]\nmax_agnets = 1", "pcc-deploy.toml:4: scaling.max_agnets: this key is not known; did you mean scaling.max_agents?"},
		{"half of the resources, and it is wrong", good + "[resources]\ncpu = [1]\nmemory = \"4Gi\"", "pcc-deploy.toml:4: resources.cpu: its value must be a quantity"},
		{"half of the resources", good + "[resources]\ncpu = 2", `pcc-deploy.toml:4: resources.cpu: [resources] need both cpu and memory`},
		{"empty resources", good + "[resources]\ncpu = \"\"\nmemory = \"4Gi\"", `pcc-deploy.toml:4: resources.cpu: "" is not a quantity`},
		{"odd resources", good + "[resources]\ncpu = \"2 cores\"\nmemory = \"4Gi\"", `pcc-deploy.toml:4: resources.cpu: "2 cores" is not a quantity`},
		{"resources beside a profile", good + "agent_profile = \"agent-1x\"\n[resources]\ncpu = 2\nmemory = \"4Gi\"", `pcc-deploy.toml:3: agent_profile: it is "agent-1x", and [resources] are set, too`},
		{"in a nested inline table", good + "build = {\n exclude = {\n bogus = 1 } }", "pcc-deploy.toml:5: build.exclude.bogus: this key is not known"},
		{"an empty image", named + "image = \"\"", "pcc-deploy.toml:2: image: it is empty; name an image, or remove the line to build one"},
		{"no name", "agent_name = \"\"\nimage = \"acme/bot:v1\"", "agent-name: it is missing"},
		{"a variable", named + "image = \"acme/bot:${GITHUB_SHA}\"", `pcc-deploy.toml:2: image: "acme/bot:${GITHUB_SHA}" has a variable, and nothing replaces it here; a workflow sets the input image, with an expression such as ${{ github.ref_name }}`},
		{"a variable in a name", "agent_name = \"$AGENT\"\nimage = \"acme/bot:v1\"", `pcc-deploy.toml:1: agent_name: "$AGENT" has a variable`},
		{"a template", named + "image = \"acme/bot:{{ tag }}\"", `pcc-deploy.toml:2: image: "acme/bot:{{ tag }}" has a variable`},
		{"a dollar sign", named + "image = \"acme/bot:$\"", `pcc-deploy.toml:2: image: "acme/bot:$" is not an image`},
		{"UTF-16", "\xff\xfea\x00", "pcc-deploy.toml: it is not text in UTF-8"},
		{"UTF-16 without a mark", "a\x00=\x001\x00", "pcc-deploy.toml: it is not text in UTF-8"},
		{"an old key, nearly", good + "scaling.min_instance = 1", "pcc-deploy.toml:3: scaling.min_instance: this key is not known; did you mean scaling.min_agents?"},
		{"a retired key, nearly", good + "enabl_krisp = true", "pcc-deploy.toml:3: enabl_krisp: this key is not known"},
		{"a part of a key", good + "build.context = \".\"", "pcc-deploy.toml:3: build.context: this key is not known; did you mean build.context_dir?"},
		{"in quotes", good + "[\"scaling\"]\n'bogus' = 1", "pcc-deploy.toml:4: scaling.bogus: this key is not known"},
		{"tables for a table", good + "[[scaling]]\nmin_agents = 1", "pcc-deploy.toml:3: scaling: it must be a table"},
		{"after a text of lines", good + "build.context_dir = \"\"\"a\nb\"\"\"\nspeed = 1", "pcc-deploy.toml:5: speed: this key is not known"},
		{"with the line ends of Windows", "agent_name = 'my-bot'\r\nspeed = 1\r\n", "pcc-deploy.toml:2: speed: this key is not known"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.file)
			const quotes = "put the value in quotes"
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "; pcc-deploy.toml:") || strings.Contains(err.Error(), quotes) != strings.Contains(tt.want, quotes) {
				t.Errorf("got  %v\nwant %s alone", err, tt.want)
			}
		})
	}
}

// TestManyProblems holds that a file with no end of wrong keys has them reported one by
// one up to a number, and then counted.
func TestManyProblems(t *testing.T) {
	for _, tt := range []struct {
		keys, problems int
		last           string
	}{
		{1, 1, "pcc-deploy.toml:3: k0: this key is not known"},
		{30, 30, "pcc-deploy.toml:32: k29: this key is not known"},
		{31, 31, "pcc-deploy.toml: 1 more wrong key"},
		{6000, 31, "pcc-deploy.toml: 5970 more wrong keys"}, // whose values are not read
	} {
		file := "agent_name = \"my-bot\"\nimage = \"acme/bot:v1\"\n"
		for i := range tt.keys {
			file += fmt.Sprintf("k%d=1\n", i)
		}
		_, err := load(t, file)
		var problems Problems
		if !errors.As(err, &problems) || len(problems) != tt.problems || problems[tt.problems-1].String() != tt.last {
			t.Errorf("%d keys: %d problems, %.2000v; want %d, the last being %q", tt.keys, len(problems), err, tt.problems, tt.last)
		}
	}
}

// TestBrokenFile holds that what could not be read is not reported as missing.
func TestBrokenFile(t *testing.T) {
	_, err := load(t, "image = \n")
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 1 {
		t.Errorf("got %v, want one problem", err)
	}
}

// TestPrecedence holds that an input wins over the file, value by value, and
// that what to deploy is one choice.
func TestPrecedence(t *testing.T) {
	const build, other = "123e4567-e89b-12d3-a456-426614174000", "223e4567-e89b-12d3-a456-426614174000"
	dir := t.TempDir()
	for _, tt := range []struct {
		file, name, value string
		want              func(Config) bool
	}{
		{"image = \"a/b:file\"\nregion = \"us-east\"", "region", "us-west", func(c Config) bool { return c.Region == "us-west" && c.Settings.Image == "a/b:file" }},
		{"image = \"a/b:file\"\n[scaling]\nmin_agents = 1\nmax_agents = 9", "min-agents", "2", func(c Config) bool {
			return *c.Settings.AutoScaling.MinAgents == 2 && *c.Settings.AutoScaling.MaxAgents == 9
		}},
		{"image = \"a/b:file\"", "image", "a/b:input", func(c Config) bool { return c.Settings.Image == "a/b:input" }},
		{"image = \"a/b:file\"", "build-id", build, func(c Config) bool { return c.Settings.Image == "" && c.Settings.BuildID == build }},
		{"build_id = \"" + other + "\"", "image", "a/b:input", func(c Config) bool {
			return c.Settings.Image == "a/b:input" && c.Settings.BuildID == "" && !c.Build.Latest
		}},
		{"image = \"a/b:file\"\nscaling.min_agents = 3\nscaling.min_instances = 4", "", "", func(c Config) bool { return *c.Settings.AutoScaling.MinAgents == 3 }},
	} {
		if err := os.WriteFile(filepath.Join(dir, defaultFile), []byte(tt.file), 0o644); err != nil {
			t.Fatal(err)
		}
		cfg, err := Load(nil, env("image", "", "GITHUB_WORKSPACE", dir, tt.name, tt.value))
		if err != nil || !tt.want(cfg) {
			t.Errorf("%q with %s=%s: %+v, %v", tt.file, tt.name, tt.value, cfg, err)
		}
		for _, key := range cfg.FileKeys {
			if strings.ReplaceAll(key, "_", "-") == tt.name {
				t.Errorf("%q with %s=%s: counts %v", tt.file, tt.name, tt.value, cfg.FileKeys)
			}
		}
	}
}

// TestNothing holds that a default of action.yml is no change.
func TestNothing(t *testing.T) {
	for _, value := range []string{"false", "False", ""} {
		if _, err := Load(nil, env("image", "", "force-redeploy", value)); err == nil || !strings.Contains(err.Error(), "there is nothing to deploy") {
			t.Errorf("force-redeploy: %q: %v", value, err)
		}
	}
}

func TestFileWarnings(t *testing.T) {
	got, err := load(t, "agent_name = \"my-bot\"\nenable_krisp = true\nsecret_set = \"keys\"\nscaling.min_instances = 1\n[build]\ncontext_dir = \".\"\n")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, w := range got.Warnings {
		lines = append(lines, w.String())
	}
	want := []string{
		"pcc-deploy.toml:4: scaling.min_instances: it is the old name of scaling.min_agents, which the platform's CLI no longer reads; write that",
		"pcc-deploy.toml:2: enable_krisp: it is ignored: the platform has retired it; use krisp_viva.audio_filter",
	}
	if !reflect.DeepEqual(lines, want) || *got.Settings.AutoScaling.MinAgents != 1 {
		t.Errorf("got %q, min %d", lines, *got.Settings.AutoScaling.MinAgents)
	}
}

func TestNamedFile(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{"a.toml": `agent_name = "from-a"`, "big.toml": strings.Repeat("#", 2<<20)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ file, want string }{
		{"a.toml", ""},
		{filepath.Join(dir, "a.toml"), ""},
		{"b.toml", `config-file: there is no "b.toml", and no config file anywhere in the workspace; does actions/checkout run`},
		{"pcc-deploy.toml", `config-file: there is no "pcc-deploy.toml"`},
		{".", `config-file: "." cannot be read: it is not a regular file; name a file that can`},
		{os.DevNull, `config-file: "/dev/null" cannot be read: it is not a regular file`},
		{"big.toml", `config-file: "big.toml" cannot be read: it is larger than 256 KiB`},
	} {
		cfg, err := Load(nil, env("agent-name", "", "config-file", tt.file, "GITHUB_WORKSPACE", dir))
		if tt.want == "" && (err != nil || cfg.AgentName != "from-a") || tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)) {
			t.Errorf("%s: got %q, %v, want %q", tt.file, cfg.AgentName, err, tt.want)
		}
	}
}

// TestManyKeys holds what is said of a file with too many keys for its values to be read.
func TestManyKeys(t *testing.T) {
	const good = "agent_name = \"my-bot\"\nimage = \"acme/bot:v1\"\n"
	for _, tt := range []struct{ name, file, want string }{
		{"one that is not known", good + "[docker]\n" + strings.Repeat("a=1\n", maxKeys) + "[scaling]\nbogus=1\n", "pcc-deploy.toml:5005: scaling.bogus: this key is not known"},
		{"a key of many parts", good + strings.Repeat("a.", maxKeys) + "a=1", "pcc-deploy.toml:3: a: this key is not known"},
		{"in a list", good + "x = [" + strings.Repeat("{a=1},", maxKeys) + "]", "pcc-deploy.toml:3: x: this key is not known"},
		{"before what is not TOML", good + strings.Repeat("a.", maxKeys) + "a=1\n=", "pcc-deploy.toml:3: a: this key is not known"},
		{"none that is not known", good + "[docker]\n" + strings.Repeat("a=1\n", maxKeys), "pcc-deploy.toml: it has 5003 keys, and may have 5000 at most"},
	} {
		if _, err := load(t, tt.file); err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "; pcc-deploy.toml") {
			t.Errorf("%s: got %.300v, want %s", tt.name, err, tt.want)
		}
	}
}

// FuzzFile holds that any text of a config file is understood or refused, and that
// each key of it has its line.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{"", "agent_name = 1", "[scaling]\nmin_agents=1", "a.b.c = {d=[1,{e=2}]}", "[[scaling]]", "scaling = []", "docker = 1", "[build]\nexclude = 7", "\"\" = 1", "x = 2026-01-01", "[build.exclude]\npatterns=[[]]",
		"[a.b]\nc.d = {e = {f = 1}}", "\"a.b\" = [{c = 1}]\n[[d]]", "build = {\nexclude = {patterns = ['x']}}", "\xef\xbb\xbfa=1", strings.Repeat("a = 1\n", 40)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		read := parseFile("f", data)
		for _, p := range read.problems {
			if p.Text == "" || p.File != "f" {
				t.Errorf("%+v says too little", p)
			}
			if most := 1 + bytes.Count(data, []byte("\n")); p.Line > most || p.Line < 1 && p.Input != "" {
				t.Errorf("%+v is on none of %d lines", p, most)
			}
		}
		for name, v := range read.values {
			if v.at.File != "f" || v.at.Line == 0 {
				t.Errorf("%s is nowhere: %+v", name, v)
			}
		}
	})
}

// TestCloudBuild holds what is built, where an input and the file both speak of it.
func TestCloudBuild(t *testing.T) {
	const build = "123e4567-e89b-12d3-a456-426614174000"
	const file = "image = \"a/b:file\"\n[build]\ncontext_dir = \"server\"\ndockerfile = \"D\"\n[build.exclude]\npatterns = [\"*.md\", \"!README.md\"]\n"
	for _, tt := range []struct {
		file, name, value string
		want              func(Config) bool
		warns             int
	}{
		{file, "cloud-build", "true", func(c Config) bool {
			return c.Build.FromSource && c.Settings.Image == "" && c.Build.Context == "server" && c.Build.Dockerfile == "D" && strings.Join(c.Build.Exclude, "|") == "*.md\n!README.md"
		}, 0},
		{"build_id = \"" + build + "\"", "cloud-build", "True", func(c Config) bool { return c.Build.FromSource && c.Settings.BuildID == "" && !c.Build.Latest }, 0},
		{file, "cloud-build", "false", func(c Config) bool { return !c.Build.FromSource && c.Settings.Image == "a/b:file" }, 0},
		{file, "build-id", "latest", func(c Config) bool { return c.Build.Latest && c.Settings.Image == "" }, 0},
		{"build_id = \"latest\"", "", "", func(c Config) bool { return c.Build.Latest }, 0},
		{file, "build-context", "other", func(c Config) bool { return c.Build.Context == "other" }, 1},
		{file, "build-exclude", "!notes.md", func(c Config) bool { return strings.Join(c.Build.Exclude, "|") == "*.md\n!README.md\n!notes.md" }, 1},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, defaultFile), []byte(tt.file), 0o644); err != nil {
			t.Fatal(err)
		}
		cfg, err := Load(nil, env("image", "", "GITHUB_WORKSPACE", dir, "RUNNER_TEMP", "/temp", tt.name, tt.value))
		if err != nil || !tt.want(cfg) || len(cfg.Warnings) != tt.warns || cfg.Build.Temp != "/temp" {
			t.Errorf("%q with %s=%s: %+v, %v", tt.file, tt.name, tt.value, cfg, err)
		}
	}
	for _, other := range []string{build, "latest"} {
		_, err := Load(nil, env("image", "", "cloud-build", "true", "build-id", other))
		if err == nil || err.Error() != fmt.Sprintf("cloud-build: both cloud-build and build-id (%q) are set; keep the one that is to be deployed", other) {
			t.Errorf("cloud-build and build-id %s: %v", other, err)
		}
	}
}

// TestSettingsAreInputs holds that each setting is an input by the same name, but for those
// that only a config file asks for.
func TestSettingsAreInputs(t *testing.T) {
	shown := settings.Diff(&pipecat.Agent{AutoScaling: &pipecat.Replicas{MinReplicas: new(1)}, Resources: &pipecat.Resources{CPU: "1", Memory: "2Gi"}}, pipecat.Settings{})
	for _, name := range settings.Names() {
		isInput := slices.ContainsFunc(Table(), func(in Input) bool { return in.Name == name })
		i := slices.IndexFunc(shown, func(c settings.Change) bool { return c.Name == name })
		if !isInput && i < 0 || i >= 0 && isInput == shown[i].FileOnly {
			t.Errorf("%s: an input: %t; of the file alone: %t", name, isInput, !isInput)
		}
	}
}
