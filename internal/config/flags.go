package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ErrVersion is for a run that is only to say the program's version.
var ErrVersion = errors.New("the version is asked for")

// parseFlags reads the flags of a run by hand: one for each input but the
// secret ones, and those that are no inputs, into c. Its error is Problems,
// flag.ErrHelp or ErrVersion.
func (c *Config) parseFlags(args []string) (map[string]string, error) {
	given := map[string]string{}
	var secret Input // one that was given anyway
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	for _, in := range Table() {
		set := func(s string) error {
			given[in.Name] = s
			return nil
		}
		switch {
		case in.Secret:
			flags.Func(in.Name, "", func(string) error {
				secret = in
				return nil
			})
		case in.Kind == boolean:
			flags.BoolFunc(in.Name, "", set)
		default:
			flags.Func(in.Name, "", set)
		}
	}
	flags.StringVar(&c.Summary, "summary", "", "")
	flags.BoolVar(&c.JSON, "json", false, "")
	version := flags.Bool("version", false, "")
	err := flags.Parse(args)
	if err != nil || flags.NArg() > 0 { // it may come after what is wrong
		c.JSON = c.JSON || slices.Contains(args, "-json") || slices.Contains(args, "--json")
	}
	switch {
	case *version:
		return nil, ErrVersion
	case errors.Is(err, flag.ErrHelp):
		return nil, err
	case secret.Name != "":
		return nil, Problems{{Input: secret.Name, Text: "it is never read from a flag, which other processes can see; set " + secret.Variable}}
	case err != nil:
		return nil, Problems{{Text: err.Error() + "; -h lists the flags"}}
	case flags.NArg() > 0:
		return nil, Problems{{Text: fmt.Sprintf("%s is not a flag; write -name=value", quote(flags.Arg(0)))}}
	}
	return given, nil
}

// byHand are the flags that are no inputs.
var byHand = []struct{ usage, text string }{
	{"summary FILE", "Append the job summary to a file, in Markdown."},
	{"json", "Print the outputs when the job ends, as one JSON object of strings; the log goes to stderr."},
	{"version", "Print the version, and do nothing else."},
}

// Inform answers a run that asks for no deployment: for the flags, or for the
// version. It reports whether the error of Load says so.
func Inform(w io.Writer, err error, version string) bool {
	switch {
	case errors.Is(err, flag.ErrHelp):
		Usage(w)
	case errors.Is(err, ErrVersion):
		fmt.Fprintln(w, "pipecat-cloud-deploy", version)
	default:
		return false
	}
	return true
}

// Usage writes what -h prints.
func Usage(w io.Writer) {
	fmt.Fprintf(w, `Deploys a voice agent to Pipecat Cloud, and waits until it serves.

  pipecat-cloud-deploy -agent-name NAME -image IMAGE [flags]

The key is read from %s, and secrets for secret-set from %s.
As a GitHub Action, each flag is an input.

`, keyVariable, secretsVariable)
	for _, in := range Table() {
		if in.Secret {
			continue
		}
		name := "-" + in.Name + " " + strings.ToUpper(string(in.Kind))
		if in.Kind == boolean {
			name = "-" + in.Name + "=" + string(in.Kind)
		}
		text := strings.ReplaceAll(in.Text, "`", "")
		if in.Default != "" {
			text += " Default: " + in.Default + "."
		}
		fmt.Fprintf(w, "  %s\n        %s\n", name, text)
	}
	fmt.Fprint(w, "\nBy hand only, as no input:\n\n")
	for _, f := range byHand {
		fmt.Fprintf(w, "  -%s\n        %s\n", f.usage, f.text)
	}
	fmt.Fprintf(w, "\nExit status: 0 when the job is green, 1 when it is red.\n")
}
