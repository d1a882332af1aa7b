// Oracle is the half of .ci/oracle that is written in Go: it generates agent
// documents, says what poll.Judge makes of them, and what config files say.
//
//	oracle -generate 4000 [-seed 1]   prints cases, a line each
//	oracle <cases                     prints a verdict for each line
//	oracle -config DIR <texts         prints what each config file says, or why not
//
// The other half, .ci/oracle.d, asks the platform's own CLI the same.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	n := flag.Int("generate", 0, "how many cases to print; 0: judge those of the standard input")
	seed := flag.Uint64("seed", 1, "of the cases that are generated")
	configs := flag.String("config", "", "an empty folder, to read config files in, each a JSON text of the standard input")
	flag.Parse()
	out := bufio.NewWriter(os.Stdout)
	var err error
	switch {
	case *n > 0:
		err = generate(*n, *seed, out)
	case *configs != "":
		err = readAll(*configs, os.Stdin, out)
	default:
		err = judgeAll(os.Stdin, out)
	}
	if err = errors.Join(err, out.Flush()); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

func generate(n int, seed uint64, w io.Writer) error {
	cases, lines := newGenerator(seed), json.NewEncoder(w)
	for range n {
		if err := lines.Encode(cases.next()); err != nil {
			return err
		}
	}
	return nil
}

func judgeAll(r io.Reader, w io.Writer) error {
	cases, lines := json.NewDecoder(r), json.NewEncoder(w)
	for {
		var c Case
		switch err := cases.Decode(&c); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := lines.Encode(judge(c)); err != nil {
			return err
		}
	}
}
