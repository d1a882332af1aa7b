package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"pipecat-cloud-deploy/internal/suggest"
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
	case unknownFlag(err) != "":
		return nil, Problems{{Text: "there is no flag -" + unknownFlag(err) + orFlag(unknownFlag(err), flagNames(flags)) + " (-h lists the flags)"}}
	case err != nil:
		return nil, Problems{{Text: err.Error() + " (-h lists the flags)"}}
	case flags.Arg(0) == "help":
		return nil, flag.ErrHelp
	case flags.Arg(0) == "version":
		return nil, ErrVersion
	case suggest.Nearest(flags.Arg(0), commands) != "":
		return nil, Problems{{Text: quote(flags.Arg(0)) + " is not a command" + didYouMean(flags.Arg(0), commands)}}
	case flags.NArg() > 0:
		return nil, Problems{{Text: fmt.Sprintf("%s is not a flag; write -name=value%s", quote(flags.Arg(0)), asValue(args, flags))}}
	}
	return given, nil
}

// commands are what may stand in place of flags.
var commands = []string{"help", "version"}

// unknownFlag is the name in an error of the flag package's that says it is not
// known; "" in another, and without one.
func unknownFlag(err error) string {
	if err == nil {
		return ""
	}
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return ""
	}
	return name
}

// orFlag suggests a flag for a name that is not known, or only begins one; "" where
// none is near.
func orFlag(name string, flags []string) string {
	near := suggest.Nearest(name, flags)
	if i := slices.IndexFunc(flags, func(f string) bool { return strings.HasPrefix(f, name+"-") }); near == "" && i >= 0 {
		near = flags[i]
	}
	if near == "" {
		return ""
	}
	return "; did you mean -" + near + "?"
}

func flagNames(flags *flag.FlagSet) (names []string) {
	flags.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	return names
}

// asValue says how a value is written that stands behind a boolean flag; "" where
// none does.
func asValue(args []string, flags *flag.FlagSet) string {
	i := len(args) - flags.NArg()
	if _, err := yesOrNo(args[i]); err != nil || i == 0 {
		return ""
	}
	return fmt.Sprintf(", such as %s=%s", args[i-1], args[i])
}

// byHand are the flags that are no inputs.
var byHand = []struct{ usage, text string }{
	{"summary FILE", "Append the job summary to FILE, in Markdown."},
	{"json", "Print the outputs as one JSON object of strings when the job ends; the log goes to stderr."},
	{"version", "Print the version and exit."},
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
	fmt.Fprintf(w, `Deploys a voice agent to Pipecat Cloud and waits until the new version is
serving calls.

Usage:

  pipecat-cloud-deploy -agent-name NAME -image IMAGE [flags]

The API key is read from %s, the Public key of a test
call from %s, and secrets for
secret-set from %s.
In a GitHub workflow, each flag is an input.

Example:

  pipecat-cloud-deploy -agent-name my-agent -image ghcr.io/acme/my-agent:v1.2.3
`, keyVariable, publicKeyVariable, secretsVariable)
	for _, in := range Table() {
		if in.Group != "" {
			fmt.Fprintf(w, "\n%s:\n\n", in.Group)
		}
		if in.Secret {
			continue
		}
		name := in.Name + " " + strings.ToUpper(string(in.Kind))
		if in.Kind == boolean {
			name = in.Name + "=" + string(in.Kind)
		}
		text := strings.ReplaceAll(in.Text, "`", "")
		if in.Default != "" {
			text += fmt.Sprintf(" (default %q)", in.Default)
		}
		usage(w, name, text)
	}
	fmt.Fprint(w, "\nCommand line only:\n\n")
	for _, f := range byHand {
		usage(w, f.usage, f.text)
	}
	fmt.Fprint(w, "\nThe exit status is 0 when the job is green and 1 when it is red.\n")
}

// usageWidth is the longest line of -h.
const usageWidth = 80

// usage writes the lines of a flag, its text wrapped.
func usage(w io.Writer, name, text string) {
	const indent = "        "
	fmt.Fprintf(w, "  -%s\n", name)
	line := indent
	for word := range strings.FieldsSeq(text) {
		if len(line)+len(word) > usageWidth && line != indent {
			fmt.Fprintln(w, strings.TrimRight(line, " "))
			line = indent
		}
		line += word + " "
	}
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}
