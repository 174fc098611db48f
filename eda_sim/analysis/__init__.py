"""Analysis: the tables of a run in, tables of statistics out.

Everything here takes :class:`~eda_sim.analysis.tables.Tables` (or one of its DataFrames) and
returns a DataFrame whose columns are documented with their units. Nothing here draws, and nothing
knows how an engine works: the same questions can be asked of tables from anywhere.

=====================  =============================================================================
module                 question
=====================  =============================================================================
``tables``             what was written down, in seconds and names
``effects``            what became of each message at each consumer
``latency``            how long did messages take, and how sure are we
``guarantee``          what was lost, duplicated, reordered, or is still pending
``lag``                how far behind was a consumer, and how long were the queues
``staleness``          how old was what somebody looking at a moment did not yet see
``throughput``         how much went in and came out per second
``utilization``        how busy were the workers
``little``             do number, rate and time agree, as Little's law says
``recovery``           how long after a fault was the lag back to normal
``summary``            the numbers to look at first
``run_estimates``      what one run says about its system, with intervals
``topology``           who sends to whom
``summarized``         the same questions, of a run that was only counted
``histograms``         how long did messages take, from a histogram
``metrics``            one number of one consumer, by its name
``objectives``         a bound on such a number, and whether it is met
``estimates``          a number and its interval
``replications``       how to be honest about chance with independent runs
``intervals``          how to be honest about chance when observations depend on each other
``batch_means``        the mean of one run, and whether its interval can be trusted
``warmup``             what to leave out at the start of a run
``order_statistics``   quantiles of independent observations, and over several runs
``proportions``        shares of independent trials, and of the messages of one run
``sequential``         as many runs as it takes to know a number well enough
``multiple``           many scenarios compared, with one promise for all
``selection``          which of several scenarios is the best
``steps``              counting what is there at each moment
=====================  =============================================================================
"""
