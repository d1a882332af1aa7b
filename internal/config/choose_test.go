package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/pipecat"
)

// tree writes files into a new workspace; names are slash-separated.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// lines are problems or warnings as people read them.
func lines(all []Problem) (lines []string) {
	for _, p := range all {
		lines = append(lines, p.String())
	}
	return lines
}

const (
	uuid   = "123e4567-e89b-12d3-a456-426614174000"
	named  = "agent_name = \"my-bot\"\n"
	imaged = named + "image = \"ghcr.io/acme/bot:v1\"\nimage_credentials = \"ghcr\"\n"
)

// TestChoice holds what a job deploys, where a config file and inputs each say
// something of it.
func TestChoice(t *testing.T) {
	for _, tt := range []struct {
		name, file  string
		inputs      []string
		want        string // image, build, or what is built; then the credentials
		warns       string // part of the only warning; "" for none
		withoutFile bool
	}{
		{name: "neither image nor build", file: named, want: "source "},
		{name: "an empty file", file: "", inputs: []string{"agent-name", "my-bot"}, want: "source "},
		{name: "a byte order mark", file: "\ufeff" + named, want: "source "},
		{name: "empty texts", file: named + "build_id = \"\"\nimage_credentials = \"\"\nsecret_set = \"\"\nregion = \"\"\nagent_profile = \"\"\n", want: "source "},
		{name: "never a build", file: named + "secret_set = \"keys\"\n", inputs: []string{"cloud-build", "false"}, want: "settings "},
		{name: "a build is asked for, too", file: named, inputs: []string{"cloud-build", "true"}, want: "source "},
		{name: "an image as input", file: named, inputs: []string{"image", "a/b:v1"}, want: "a/b:v1 "},
		{name: "a build as input", file: named, inputs: []string{"build-id", uuid}, want: uuid + " "},
		{name: "the file's image", file: imaged, want: "ghcr.io/acme/bot:v1 ghcr"},
		{name: "the file's image, and no build wanted", file: imaged, inputs: []string{"cloud-build", "false"}, want: "ghcr.io/acme/bot:v1 ghcr"},
		{name: "the file's build", file: named + "build_id = \"" + uuid + "\"\n", want: uuid + " "},
		{name: "no file", withoutFile: true, inputs: []string{"agent-name", "my-bot", "secret-set", "keys"}, want: "settings "},
		{name: "the file is not read", file: named, inputs: []string{"config-file", "none", "agent-name", "my-bot", "secret-set", "keys"}, want: "settings "},
		{name: "a repository of GitHub", file: named + "[git]\nrepo = \"acme/bot\"\nbranch = \"main\"\n", inputs: []string{"secret-set", "keys"}, want: "settings ", warns: "git.repo: [git] is not used"},
		{name: "that, and a build", file: named + "[git]\nrepo = \"acme/bot\"\nbranch = \"main\"\ndockerfile_path = \"D\"\nsubdirectory = \"s\"\n", inputs: []string{"cloud-build", "true"}, want: "source ", warns: "git.repo: [git] is not used"},

		// An image's credentials go with that image.
		{name: "another version", file: imaged, inputs: []string{"image", "ghcr.io/acme/bot:v2"}, want: "ghcr.io/acme/bot:v2 ghcr"},
		{name: "another image", file: imaged, inputs: []string{"image", "docker.io/acme/bot:v2"}, want: "docker.io/acme/bot:v2 ", warns: `pcc-deploy.toml:3: image_credentials: it is not used: it is for "ghcr.io/acme/bot:v1"`},
		{name: "another image with its own", file: imaged, inputs: []string{"image", "docker.io/acme/bot:v2", "image-credentials", "hub"}, want: "docker.io/acme/bot:v2 hub"},
		{name: "credentials alone in the file", file: named + "image_credentials = \"ghcr\"\n", inputs: []string{"image", "ghcr.io/acme/bot:v2"}, want: "ghcr.io/acme/bot:v2 ghcr"},
		{name: "a build in place of the image", file: imaged, inputs: []string{"build-id", uuid}, want: uuid + " ", warns: "this job deploys a build"},
		{name: "a build with credentials as input", file: named, inputs: []string{"image-credentials", "ghcr"}, want: "source ", warns: "image-credentials: it is not used"},
		{name: "a placeholder that is not used", file: named + "image_credentials = \"your_dockerhub_image_pull_secret\"\n", want: "source ", warns: "image_credentials: it is not used"},
		{name: "credentials of no image", file: named + "image_credentials = \"ghcr\"\nsecret_set = \"keys\"\n", inputs: []string{"cloud-build", "false"}, want: "settings ", warns: "this job deploys no image"},
		{name: "credentials alone as input", withoutFile: true, inputs: []string{"agent-name", "my-bot", "image-credentials", "ghcr"}, want: "settings ghcr"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{defaultFile: tt.file}
			if tt.withoutFile {
				files = nil
			}
			cfg, err := Load(nil, env(append([]string{"agent-name", "", "image", "", "GITHUB_WORKSPACE", tree(t, files)}, tt.inputs...)...))
			if err != nil {
				t.Fatal(err)
			}
			what := cfg.Settings.Image + cfg.Settings.BuildID
			switch {
			case cfg.Build.FromSource:
				what += "source"
			case what == "":
				what = "settings"
			}
			if got := what + " " + cfg.Settings.ImagePullSecretSet; got != tt.want {
				t.Errorf("deploys %q, want %q", got, tt.want)
			}
			warnings := lines(cfg.Warnings)
			if tt.warns == "" && len(warnings) > 0 || tt.warns != "" && (len(warnings) != 1 || !strings.Contains(warnings[0], tt.warns)) {
				t.Errorf("warns %q, want %q", warnings, tt.warns)
			}
		})
	}
}

// TestCheckOnly holds that a job which deploys nothing takes the agent's name alone of
// the config file, which is that of the deployments, and that an input which would
// change something is an error.
func TestCheckOnly(t *testing.T) {
	file := imaged + "region = \"us-east\"\nsecret_set = \"keys\"\n[scaling]\nmin_agents = 2\n[resources]\ncpu = \"2\"\nmemory = \"4Gi\"\n[git]\nrepo = \"a/b\"\n"
	placeholders := named + "image = \"your_username/bot:0.1\"\nimage_credentials = \"your_pull_secret\"\n"
	for _, text := range []string{file, placeholders, named} {
		cfg, err := Load(nil, env("agent-name", "", "image", "", "check-only", "true", "GITHUB_WORKSPACE", tree(t, map[string]string{defaultFile: text})))
		if err != nil || cfg.AgentName != "my-bot" || cfg.Region != "" || !reflect.DeepEqual(cfg.Settings, pipecat.Settings{}) || cfg.Build.FromSource || len(cfg.Warnings) > 0 {
			t.Errorf("%s: got %+v, %v", text, cfg, err)
		}
	}
	if _, err := Load(nil, env("image", "", "check-only", "true")); err != nil {
		t.Errorf("without a file: %v", err)
	}
	for input, value := range map[string]string{"image": "a/b:v1", "min-agents": "1", "dry-run": "true", "rollback-on-failure": "true", "cloud-build": "true", "secret-set": "keys"} {
		_, err := Load(nil, env("image", "", "check-only", "true", input, value))
		if want := input + ": it is set, and check-only deploys nothing; remove one of the two"; err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", input, err, want)
		}
	}
	if _, err := Load(nil, env("image", "", "check-only", "true", "dry-run", "false", "cloud-build", "False")); err != nil {
		t.Errorf("what is off: %v", err)
	}
}

// TestKeys holds the newest keys of a config file.
func TestKeys(t *testing.T) {
	cfg, err := load(t, named+"image = \"a/b:v1\"\narchitecture = \"amd64\"\n[resources]\ncpu = 2\nmemory = \"4Gi\"\n")
	if err != nil || cfg.Settings.Architecture != "amd64" || cfg.Settings.Resources == nil || cfg.Settings.Resources.CPU != "2" || cfg.Settings.Resources.Memory != "4Gi" {
		t.Errorf("got %+v, %v", cfg.Settings, err)
	}
	cfg, err = load(t, named+"image = \"a/b:v1\"\n[resources]\ncpu = 0.5\nmemory = \"512Mi\"\n")
	if err != nil || cfg.Settings.Resources == nil || cfg.Settings.Resources.CPU != "0.5" {
		t.Errorf("a fraction: got %+v, %v", cfg.Settings, err)
	}
	dir := tree(t, map[string]string{defaultFile: named + "image = \"a/b:v1\"\n[resources]\ncpu = 2\nmemory = \"4Gi\"\n"})
	cfg, err = Load(nil, env("agent-name", "", "image", "", "GITHUB_WORKSPACE", dir, "agent-profile", "agent-2x"))
	if err != nil || cfg.Settings.Resources != nil || cfg.Settings.AgentProfile != "agent-2x" {
		t.Errorf("a profile as input: got %+v, %v", cfg.Settings, err)
	}
	if _, err := Load(nil, env("architecture", "arm64", "node-type", "amd")); err == nil || err.Error() != "architecture: it is arm64, and node-type, its old name, is amd; keep architecture" {
		t.Errorf("two architectures: %v", err)
	}
	if _, err := Load(nil, env("architecture", "arm64", "node-type", "arm")); err != nil {
		t.Errorf("one architecture, twice: %v", err)
	}
}

// TestAlias holds that an input's other name is the same input.
func TestAlias(t *testing.T) {
	cfg, err := Load(nil, env("krisp-viva", "tel"))
	if err != nil || cfg.Settings.KrispViva == nil || *cfg.Settings.KrispViva.AudioFilter != "tel" {
		t.Errorf("got %+v, %v", cfg.Settings, err)
	}
	if _, err := Load(nil, env("krisp-viva", "tel", "krisp-viva-audio-filter", "tel")); err != nil {
		t.Errorf("both, the same: %v", err)
	}
	want := `krisp-viva: it is "tel", and krisp-viva-audio-filter, which is the same input, is "pro"; keep one`
	if _, err := Load(nil, env("krisp-viva", "tel", "krisp-viva-audio-filter", "pro")); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := Load(nil, env("krisp-viva", "loud")); err == nil || !strings.HasPrefix(err.Error(), `krisp-viva: "loud" is not valid`) {
		t.Errorf("got %v", err)
	}
}

// TestStrangeInputs holds that an input which the action does not have is reported.
func TestStrangeInputs(t *testing.T) {
	for name, near := range map[string]string{
		"secret-sets": "secret-set", "secret_set": "secret-set", "agnet-profile": "agent-profile", "min-agent": "min-agents", "wait-timout": "wait-timeout", "agent": "agent-name", "context": "build-context", "profile": "agent-profile", "timeout": "wait-timeout", "api": "", "region-region-region": "", "organization": "", "xyzzy": "",
	} {
		cfg, err := Load(nil, env(name, "value"))
		want := name + ": it is not an input of this action, and has no effect"
		if near != "" {
			want += "; did you mean " + near + "?"
		}
		if got := lines(cfg.Warnings); err != nil || !slices.Equal(got, []string{want}) {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	if cfg, err := Load(nil, env("args", "-h", "xyzzy", "")); err != nil || len(cfg.Warnings) != 0 {
		t.Errorf("the container's own, and an empty one: %q, %v", lines(cfg.Warnings), err)
	}
	for name, other := range map[string]string{"agent-name": "agent_name", "api-key": "api_key"} {
		want := fmt.Sprintf("%s: it is missing: you set %s, and the input is %s", name, other, name)
		if _, err := Load(nil, env(name, "", other, "my-bot")); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if _, err := Load(nil, env(name, "")); err == nil || strings.Contains(err.Error(), "you set") {
			t.Errorf("nothing set: got %v", err)
		}
		if _, err := Load(nil, env(other, "my-bot")); err != nil {
			t.Errorf("both set: got %v", err)
		}
	}
}

// TestWorkingDirectory holds which folder the file and the context are in.
func TestWorkingDirectory(t *testing.T) {
	dir := tree(t, map[string]string{"server/pcc-deploy.toml": named + "[build]\ncontext_dir = \"bot\"\n", "server/bot/Dockerfile": "FROM scratch"})
	for _, folder := range []string{"server", "./server/", filepath.Join(dir, "server")} {
		cfg, err := Load(nil, env("agent-name", "", "image", "", "GITHUB_WORKSPACE", dir, "working-directory", folder))
		if err != nil || cfg.File != "server/pcc-deploy.toml" || cfg.AgentName != "my-bot" || cfg.Source() == nil || cfg.Source().Dir != filepath.Join("server", "bot") {
			t.Errorf("%s: got %+v, %v", folder, cfg, err)
		}
	}
	if _, err := Load(nil, env("GITHUB_WORKSPACE", dir, "working-directory", "server/pcc-deploy.toml")); err == nil || !strings.Contains(err.Error(), "is a file; name the folder that it is in") {
		t.Errorf("a file: %v", err)
	}
}

// TestElsewhere holds that a job which finds no config file says where there are some.
func TestElsewhere(t *testing.T) {
	for _, tt := range []struct {
		name   string
		files  map[string]string
		inputs []string
		want   string
	}{
		{"in a folder", map[string]string{"server/pcc-deploy.toml": named}, nil, "agent-name: it is missing; name the agent here, or as agent_name in pcc-deploy.toml: there is none; server/pcc-deploy.toml is there: set working-directory: server"},
		{"several", map[string]string{"a/pcc-deploy.toml": "", "b/pcc-deploy.toml": ""}, nil, "these are there: a/pcc-deploy.toml, b/pcc-deploy.toml (config-file names one, working-directory its folder)"},
		{"another name", map[string]string{"pcc-deploy.staging.toml": ""}, nil, "these are there: pcc-deploy.staging.toml"},
		{"a wrong name", map[string]string{"pcc-deploy.toml": ""}, []string{"config-file", "pcc.toml"}, `config-file: there is no "pcc.toml"; these are there: pcc-deploy.toml`},
		{"no checkout", nil, nil, "and the workspace is empty; does actions/checkout run before this step?"},
		{"none", map[string]string{"bot.py": ""}, nil, "and no config file anywhere in the workspace"},
		{"those of others", map[string]string{"node_modules/x/pcc-deploy.toml": ""}, nil, "and no config file anywhere in the workspace"},
		{"the wrong folder", map[string]string{"server/pcc-deploy.toml": ""}, []string{"working-directory", "sever"}, `working-directory: "sever" is not in the workspace; server/pcc-deploy.toml is there: set working-directory: server`},
		{"only the artifact is missing", map[string]string{"server/pcc-deploy.toml": ""}, []string{"agent-name", "my-bot"}, "image: there is nothing to deploy; set image, build-id, cloud-build, or another setting to change. There is no pcc-deploy.toml; server/pcc-deploy.toml is there"},
	} {
		_, err := Load(nil, env(append([]string{"agent-name", "", "image", "", "GITHUB_WORKSPACE", tree(t, tt.files)}, tt.inputs...)...))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got  %v\nwant %s", tt.name, err, tt.want)
		}
		// What the file that is there may say is not asked for as well.
		if missesBoth := strings.Contains(fmt.Sprint(err), "agent-name: it is missing") && strings.Contains(fmt.Sprint(err), "nothing to deploy"); missesBoth != (tt.name == "no checkout" || tt.name == "none" || tt.name == "those of others") {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}

// TestMovingTag holds which images a job remarks on.
func TestMovingTag(t *testing.T) {
	for image, want := range map[string]bool{
		"acme/bot:latest": true, "acme/bot:main": true, "localhost:5000/bot:edge": true,
		"acme/bot:v1.2.3": false, "acme/bot:latest-2026": false, "acme/latest:v1": false, "acme/bot:latest@sha256:" + strings.Repeat("0", 64): false,
	} {
		cfg, err := Load(nil, env("image", image))
		if got := len(cfg.Notices) == 1; err != nil || got != want || got && !strings.Contains(lines(cfg.Notices)[0], "it cannot be rolled back to") {
			t.Errorf("%s: %q, %v", image, lines(cfg.Notices), err)
		}
	}
}
