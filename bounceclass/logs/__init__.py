"""Lines of MTAs' logs, as Reports without verdicts: what was given up, what is still tried, what was delivered.

    reader = LogReader()
    for line in file:  # octets
        report = reader.read(line, now)        # None where a line tells nothing of a recipient

Pure: the time is an argument, for syslog writes no year. A reader remembers, by queue id, what earlier lines said of a
message (its Message-ID, its sender); so a line has the identity that the DSN of the same failure has.
"""
