package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"pipecat-cloud-deploy/internal/gha"
)

// value is a setting as it was written, and where.
type value struct {
	text string
	at   Problem // File and Line, and the name that it has there
}

// fromFile reports whether the config file has it.
func (v value) fromFile() bool { return v.at.File != "" }

// Key reads the API key: the action's input, or by hand an environment variable.
// It is never a flag, which other processes can see.
func Key(env gha.Env) Secret {
	if key := env.Input("api-key"); key != "" {
		return Secret(key)
	}
	return Secret(strings.TrimSpace(env.Get(keyVariable)))
}

// publicKey reads the Public API key, as Key reads the other.
func publicKey(env gha.Env) Secret {
	if key := env.Input("public-api-key"); key != "" {
		return Secret(key)
	}
	return Secret(strings.TrimSpace(env.Get(publicKeyVariable)))
}

// request is what a user wrote, on its way to a Config.
type request struct {
	cfg      Config
	given    map[string]value  // by the input's name; the file's are added where no input wins
	meant    map[string]string // what was set in place of an input, by the input's name
	problems Problems
}

// Load reads flags from args, the action's inputs from env, and the config
// file; the first of these that sets a value wins. The error is Problems,
// flag.ErrHelp or ErrVersion.
func Load(args []string, env gha.Env) (Config, error) {
	r := request{given: map[string]value{}, meant: map[string]string{}, cfg: Config{APIKey: Key(env), Sources: map[string]string{},
		Workspace: env.Workspace(), Build: Build{Temp: env.Temp()}}}
	flags, err := r.cfg.parseFlags(args)
	if err != nil {
		return r.cfg, err
	}
	if len(args) == 0 && len(env.Inputs()) == 0 && !env.OnRunner() && r.cfg.APIKey == "" {
		return r.cfg, Problems{{Text: "nothing says what to deploy; write pipecat-cloud-deploy -agent-name NAME -image IMAGE, with the key in " + keyVariable + " (-h lists the flags)"}}
	}
	r.inputs(flags, env)
	f := readFile(r.given["config-file"].text, r.cfg.Workspace, r.workingDirectory())
	r.problems = append(r.problems, f.problems...)
	r.cfg.Warnings = append(r.cfg.Warnings, f.warnings...)
	r.choose(f)
	r.merge(f)
	r.set(len(f.problems) == 0)
	r.problems = append(r.problems, r.cfg.setSecrets(secretsText(env), r.given)...)
	r.problems = append(r.problems, r.cfg.check(r.given, r.meant["api-key"])...)
	r.problems = append(r.problems, r.cfg.checkCall(r.given, publicKey(env))...)
	if len(f.problems) == 0 { // else what is missing may be what could not be read
		r.problems = append(r.problems, r.missing(f)...)
	}
	r.cfg.warn(r.given)
	if len(r.problems) > 0 {
		return r.cfg, r.problems
	}
	return r.cfg, nil
}

// inputs takes the flags, and where there is none of its name the action's input.
func (r *request) inputs(flags map[string]string, env gha.Env) {
	known := map[string]Input{}
	for _, in := range Table() {
		known[in.Name] = in
		text, ok := flags[in.Name]
		if !ok {
			text = env.Input(in.Name)
		}
		if text != "" && !in.Secret {
			r.given[in.Name] = value{text, Problem{Input: in.Name}}
		}
	}
	for name, v := range r.given {
		if first := known[name].AliasOf; first != "" {
			r.alias(name, v, first)
		}
	}
	for _, name := range env.Inputs() {
		if _, ok := known[name]; ok || name == "args" || name == "entrypoint" { // the container's own
			continue
		}
		text := "it is not an input of this action, and has no effect"
		r.cfg.Warnings = append(r.cfg.Warnings, Problem{Input: name, Text: text + didYouMean(name, names(known))})
		r.meant[nearest(name, names(known))] = name
	}
}

// alias gives an input's value to the one that it is another name of.
func (r *request) alias(name string, v value, first string) {
	delete(r.given, name)
	if other, ok := r.given[first]; ok && other.text != v.text {
		r.problems = append(r.problems, v.at.With("it is %s, and %s, which is the same input, is %s; keep one", quote(v.text), first, quote(other.text)))
		return
	}
	r.given[first] = v
}

// workingDirectory is the folder of the workspace that a job works in; "" where that
// is wrong.
func (r *request) workingDirectory() string {
	v, ok := r.given["working-directory"]
	if !ok || v.text == "." {
		return ""
	}
	dir := v.text
	if rel, err := filepath.Rel(r.cfg.Workspace, dir); err == nil && filepath.IsAbs(dir) && filepath.IsAbs(r.cfg.Workspace) {
		dir = rel
	}
	if text := folder(r.cfg.Workspace, dir); text != "" {
		r.problems = append(r.problems, v.at.With("%s %s", quote(v.text), text))
		delete(r.given, "working-directory")
		return ""
	}
	r.given["working-directory"] = value{filepath.ToSlash(dir), v.at}
	return dir
}

// choose finds out what is deployed, which is one choice: an input's image or build
// replaces the file's. What the file has for another choice is left out of f, with a
// warning where a user may wonder.
func (r *request) choose(f file) {
	byInput, _ := yesOrNo(r.given["cloud-build"].text)
	image, build := r.given["image"], r.given["build-id"]
	replaced := f.values["image"]
	if byInput || image.text != "" || build.text != "" {
		delete(f.values, "image")
		delete(f.values, "build-id")
	}
	if checks, _ := yesOrNo(r.given["check-only"].text); checks { // the file is of the deployments
		for name := range f.values {
			if name != "agent-name" {
				delete(f.values, name)
			}
		}
	} else if r.buildsUnasked(f) {
		r.given["cloud-build"] = value{"true", Problem{Input: "cloud-build", File: f.name}}
		byInput, r.cfg.Build.Unasked, r.cfg.File = true, true, f.name
	}
	if r.given["agent-profile"].text != "" {
		delete(f.values, cpu)
		delete(f.values, memory)
	}
	isBuild := byInput || build.text != "" || f.values["build-id"].text != ""
	isImage := image.text != "" || f.values["image"].text != ""
	switch c := f.values["image-credentials"]; {
	case isBuild:
		r.drop(f, "image-credentials", "it is not used: this job deploys a build, and a pull secret is for an image")
	case c.text != "" && !isImage:
		r.drop(f, "image-credentials", "it is not used: this job deploys no image")
	case c.text != "" && r.given["image-credentials"].text == "" && image.text != "" && replaced.text != "" && !sameRepository(image.text, replaced.text):
		r.drop(f, "image-credentials", fmt.Sprintf("it is not used: it is for %s, and this job deploys %s; the input image-credentials names a set for that one", quote(replaced.text), quote(image.text)))
	}
}

// drop leaves a setting out, with a warning where it was made.
func (r *request) drop(f file, name, text string) {
	for _, from := range []map[string]value{r.given, f.values} {
		if v, ok := from[name]; ok {
			r.cfg.Warnings = append(r.cfg.Warnings, v.at.With("%s", text))
			delete(from, name)
		}
	}
}

// buildsUnasked reports whether a job builds because its config file, which it has,
// names nothing else to deploy: as the platform's CLI does when nobody is there to ask.
func (r *request) buildsUnasked(f file) bool {
	if f.name == "" || len(f.problems) > 0 || f.values[gitRepo].text != "" {
		return false
	}
	for _, name := range []string{"image", "build-id", "cloud-build"} {
		if r.given[name].text != "" || f.values[name].text != "" {
			return false
		}
	}
	return true
}

// sameRepository reports whether two images are versions of one.
func sameRepository(a, b string) bool {
	one, err := reference.ParseNormalizedNamed(a)
	other, otherErr := reference.ParseNormalizedNamed(b)
	return err == nil && otherErr == nil && one.Name() == other.Name()
}

// merge adds what the file says and no input does.
func (r *request) merge(f file) {
	if exclude := f.values["build-exclude"]; exclude.text != "" && r.given["build-exclude"].text != "" {
		both := r.given["build-exclude"] // whose patterns come last, and so decide
		both.text = exclude.text + "\n" + both.text
		r.given["build-exclude"] = both
	}
	for name, v := range f.values {
		if _, ok := r.given[name]; !ok {
			r.given[name] = v
			r.cfg.File = v.at.File
			if name != gitRepo && name != retiredKrisp { // which are not used
				r.cfg.FileKeys = append(r.cfg.FileKeys, v.at.Input)
			}
		}
	}
	slices.Sort(r.cfg.FileKeys)
}

// shellVariable is how a shell writes a variable, and how others write templates.
var shellVariable = regexp.MustCompile(`\$\{?[A-Za-z_]|\$\(|\{\{`)

// set reads each value into the Config. The whole says that all of the config file was
// understood.
func (r *request) set(whole bool) {
	for _, in := range Table() {
		v, ok := r.given[in.Name]
		if !ok {
			v.text = in.Default
		}
		if v.text == "" && !ok || in.set == nil {
			continue
		}
		if err := in.set(&r.cfg, v.text); err != nil && in.Key != "" && shellVariable.MatchString(v.text) {
			r.problems = append(r.problems, v.at.With("%s has a variable, and nothing replaces it here; a workflow sets the input %s, with an expression such as ${{ github.ref_name }}", quote(v.text), in.Name))
		} else if err != nil {
			r.problems = append(r.problems, v.at.With("%s", err.Error()))
		}
		if v.fromFile() {
			r.cfg.Sources[in.Name] = v.at.File
		}
	}
	r.problems = append(r.problems, r.cfg.setResources(r.given[cpu], r.given[memory], whole)...)
}

// missing finds what must be given, right or wrong, and is not.
func (r *request) missing(f file) (problems Problems) {
	var where string
	found := false
	if f.name == "" && r.given["config-file"].text == "" {
		where, found = elsewhere(r.cfg.Workspace, r.workingDirectory())
	}
	if _, ok := r.given["agent-name"]; !ok {
		text := "it is missing; name the agent here, or as agent_name in " + defaultFile
		if name := r.meant["agent-name"]; name != "" {
			text = fmt.Sprintf("it is missing: you set %s, and the input is agent-name", name)
		} else if where != "" {
			text += ": there is none" + in(r.given["working-directory"].text) + where
		}
		problems = append(problems, Problem{Input: "agent-name", Text: text})
	}
	asked := slices.ContainsFunc(Table(), func(in Input) bool {
		v, ok := r.given[in.Name]
		return ok && in.Change && !strings.EqualFold(v.text, "false")
	})
	if r.cfg.CheckOnly || found && len(problems) > 0 { // the file that is there may say the rest
		return problems
	}
	if !asked && r.given[cpu].text == "" && r.given[memory].text == "" {
		text := "there is nothing to deploy; set image, build-id, cloud-build, or another setting to change"
		if where != "" && len(problems) == 0 {
			text += ". There is no " + defaultFile + in(r.given["working-directory"].text) + where
		}
		problems = append(problems, Problem{Input: "image", Text: text})
	}
	return problems
}

// in says that something is in a folder; "" for the workspace itself.
func in(folder string) string {
	if folder == "" || folder == "." {
		return ""
	}
	return " in " + folder
}
